import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuredFindings, PROBE_DEADLINE_MS } from '../../src/commands/doctor-configured.ts';
import { PULSE_MS } from '../../src/commands/doctor-outputs.ts';
import { hearSignals } from '../../src/commands/doctor-world.ts';
import { tableLines } from '../../src/commands/doctor-table.ts';
import type { DoctorDeps, DoctorOptions, DoctorReport } from '../../src/commands/doctor.ts';
import { runDoctor } from '../../src/commands/doctor.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { parseConfig } from '../../src/config.ts';
import { DEFAULT_BOX_LIMITS } from '../../src/hal/box/readers.ts';
import { finding } from '../../src/hal/doctor/world.ts';
import type { Hardware } from '../../src/hal/hardware.ts';
import { done, failed } from '../../src/hal/ports.ts';
import type { Prepared } from '../../src/hal/sensor-driver.ts';
import { SimulatedGpio } from '../../src/hal/simulated.ts';
import { simulatedHardware } from '../../src/hal/simulated-hardware.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import type { DoctorModel } from './doctor-models.ts';
import { about, chip, healthyPi4 } from './doctor-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
const file = join(folder, 'appliance.yaml');
const CONFIG = `
gpio:
  backend: cdev
  outputs:
    - { id: siren, role: siren, chip: pinctrl-bcm2711, line: 17 }
    - { id: strobe, role: strobe, chip: pinctrl-bcm2711, line: 27, feedback: strobe-on }
  inputs:
    - { id: strobe-on, role: feedback, chip: pinctrl-bcm2711, line: 6, debounceMs: 0 }
uplink:
  brokers: [{ id: central, url: 'mqtts://broker.example.net' }]
`;
const OPTIONS: DoctorOptions = { config: file, json: false, outputs: false, yes: false };

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly questions: readonly string[];
}

/** Runs the command on a model, letting its time pass. */
async function doctor(
  model: DoctorModel,
  options: Partial<DoctorOptions> = {},
  change: Partial<DoctorDeps> = {},
): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const questions: string[] = [];
  const deps: DoctorDeps = {
    io: { out: (line) => out.push(line), err: (line) => err.push(line) },
    environment: {},
    checks: PLAN_CHECKS,
    world: model,
    defaultConfig: '/etc/embereye/appliance.yaml',
    columns: 120,
    openHardware: () => Promise.resolve(simulatedHardware(model.clock)),
    boxLimits: () => DEFAULT_BOX_LIMITS,
    confirm: (question) => {
      questions.push(question);
      return Promise.resolve(true);
    },
    hearSignals: () => ({ signal: new AbortController().signal, end: () => undefined }),
    exported: () => false,
    ...change,
  };
  const code = await inModelTime(model, 50, runDoctor({ ...OPTIONS, ...options }, deps));
  return { code, out: out.join('\n'), err: err.join('\n'), questions };
}

/** Moves the model's clock until the work ends. */
async function inModelTime<T>(model: DoctorModel, stepMs: number, work: Promise<T>): Promise<T> {
  const state = { over: false };
  const ended = work.finally(() => (state.over = true));
  while (!state.over) {
    await new Promise((resolve) => setImmediate(resolve));
    model.clock.advance(stepMs);
  }
  return ended;
}

beforeAll(() => writeFileSync(file, CONFIG));
afterAll(() => rmSync(folder, { recursive: true }));

describe('embereye doctor', () => {
  it('passes where all is well', async () => {
    const { code, out, err } = await doctor(healthyPi4());
    expect(out.split('\n').at(-1)).toMatch(/^0 failed, 0 warnings, 0 notes, 0 skipped, \d+ ok$/);
    expect(err).toBe('');
    expect(code).toBe(EXIT.ok);
  });

  it('fails where something does, with its remedy at the end of the table', async () => {
    const pi = healthyPi4();
    pi.gpio = done({
      chips: [chip('pinctrl-bcm2711', '/dev/gpiochip0', 58, { 17: 'w1' })],
      unreadable: [],
    });
    const { code, out } = await doctor(pi);
    expect(code).toBe(EXIT.failed);
    const lines = out.split('\n');
    expect(lines.at(-1)).toMatch(/^1 failed, 0 warnings/);
    expect(lines.at(-3)).toMatch(/^FAILED output:siren: .*held by "w1"$/);
    expect(lines.at(-2)).toMatch(/^ {2}-> stop the program that holds it/);
    expect(out).toMatch(/^output:siren +pinctrl-bcm2711 line 17 +FAILED +\S/m);
  });

  it('--json is one object of findings with all their fields', async () => {
    const { out, code } = await doctor(healthyPi4(), { json: true });
    const report = JSON.parse(out) as DoctorReport;
    expect(Object.keys(report)).toEqual(['ok', 'findings']);
    expect(report.ok).toBe(code === EXIT.ok);
    const states = ['ok', 'note', 'warning', 'failed', 'skipped'];
    for (const one of report.findings) {
      expect(Object.keys(one)).toEqual(['area', 'subject', 'state', 'found', 'remedy']);
      expect(states).toContain(one.state);
      expect(one.remedy === null || one.remedy.length > 0).toBe(true);
    }
    const areas = report.findings.map(({ area }) => area);
    expect([...new Set(areas)]).toEqual([
      ...['system', 'box', 'firmware', 'i2c', 'spi', 'watchdog', 'serial', 'gpio'],
      ...['output:siren', 'output:strobe', 'input:strobe-on', 'broker:central', 'state', 'ports'],
    ]);
  });

  it('without a configuration it lists, and opens no hardware', async () => {
    const refuse = (): Promise<Hardware> => Promise.reject(new Error('opened'));
    const pi = healthyPi4();
    const { code, out, err } = await doctor(pi, { config: null }, { openHardware: refuse });
    expect(code).toBe(EXIT.ok);
    expect(err).toMatch(/no configuration file/);
    expect(out).toMatch(/pinctrl-bcm2711/);
    expect(out).not.toMatch(/broker:/);
  });

  it('takes the default configuration where there is one', async () => {
    const pi = healthyPi4();
    pi.directory(file);
    const { out } = await doctor(pi, { config: null }, { defaultConfig: file });
    expect(out).toMatch(/^broker:central/m);
  });

  it('a wrong command line is 2, a broken configuration 3 with its problems', async () => {
    const usage = await doctor(healthyPi4(), { config: null, outputs: true });
    expect(usage.code).toBe(EXIT.usage);
    expect(usage.err).toMatch(/--outputs needs a configuration/);
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, 'gpio: { outputs: 7 }');
    const bad = await doctor(healthyPi4(), { config: broken });
    expect(bad.code).toBe(EXIT.badInput);
    expect(bad.err).toMatch(/gpio.outputs/);
    expect(bad.out).toBe('');
    const missing = await doctor(healthyPi4(), { config: join(folder, 'none.yaml') });
    expect(missing.code).toBe(EXIT.badInput);
  });

  it('a part whose files hang does not hide the others', async () => {
    const pi = healthyPi4();
    const read = pi.files.read.bind(pi.files);
    pi.files.read = (path) =>
      path === '/proc/meminfo' ? new Promise<never>(() => undefined) : read(path);
    const { code, out } = await doctor(pi);
    expect(code).toBe(EXIT.failed);
    expect(out).toMatch(/FAILED box: all of it: no answer within 20 s/);
    expect(out).toMatch(/^gpio +pinctrl-bcm2711 +ok/m);
  });
});

describe('--outputs', () => {
  const AT = { chip: 'pinctrl-bcm2711' };
  /** A simulated backend whose strobe has a relay, and what its siren did. */
  const rig = (model: DoctorModel, relayWorks = true) => {
    const gpio = new SimulatedGpio({ clock: model.clock });
    const open = gpio.openOutput.bind(gpio);
    const moves: string[] = [];
    gpio.openOutput = (name, at, initial) => {
      moves.push(`${name} opened ${initial}`);
      const opened = open(name, at, initial);
      if (!opened.ok) return opened;
      const inner = opened.value;
      return done({
        name,
        close: () => inner.close(),
        write: (active) => {
          moves.push(`${name} ${active}`);
          if (name === 'strobe' && relayWorks) gpio.setLevel(AT.chip, 6, active);
          return inner.write(active);
        },
      });
    };
    const hardware = { ...simulatedHardware(model.clock), gpio };
    return { gpio, moves, openHardware: () => Promise.resolve(hardware) };
  };
  const PULSES = [
    ...['siren opened false', 'siren true', 'siren false'],
    ...['strobe opened false', 'strobe true', 'strobe false'],
  ];

  it('nothing is opened without it', async () => {
    const pi = healthyPi4();
    const { moves, openHardware } = rig(pi);
    await doctor(pi, {}, { openHardware });
    expect(moves).toEqual([]);
  });

  it('pulses one after the other, each confirmed', async () => {
    const pi = healthyPi4();
    const { moves, openHardware } = rig(pi);
    const { code, questions, out } = await doctor(pi, { outputs: true }, { openHardware });
    expect(moves).toEqual(PULSES);
    expect(questions).toEqual([
      `make siren (siren) active for ${PULSE_MS / 1000} s?`,
      `make strobe (strobe) active for ${PULSE_MS / 1000} s?`,
    ]);
    expect(out).toMatch(/commanded; no feedback/);
    expect(out).toMatch(/and the feedback\s+followed/);
    expect(code).toBe(EXIT.ok);
  });

  it('what is not confirmed is not moved', async () => {
    const pi = healthyPi4();
    const { moves, openHardware } = rig(pi);
    const confirm = (question: string) => Promise.resolve(question.includes('strobe'));
    const { code, out } = await doctor(pi, { outputs: true }, { openHardware, confirm });
    expect(moves).toEqual(PULSES.slice(3));
    expect(out).toMatch(/skipped {2}not moved: not confirmed/);
    expect(code).toBe(EXIT.ok);
  });

  it('--yes asks nobody', async () => {
    const pi = healthyPi4();
    const { moves, openHardware } = rig(pi);
    const { questions } = await doctor(pi, { outputs: true, yes: true }, { openHardware });
    expect(questions).toEqual([]);
    expect(moves).toEqual(PULSES);
  });

  it('a relay that does not follow fails', async () => {
    const pi = healthyPi4();
    const { openHardware } = rig(pi, false);
    const { code, out } = await doctor(pi, { outputs: true, yes: true }, { openHardware });
    expect(out).toMatch(/FAILED output:strobe: pulse: the feedback did not follow/);
    expect(code).toBe(EXIT.failed);
  });

  it('is put back at once when the process is to end, and nothing more moves', async () => {
    const pi = healthyPi4();
    const { gpio, moves, openHardware } = rig(pi);
    const ending = new AbortController();
    let heard = 0;
    const hearSignals = () => {
      heard += 1;
      return { signal: ending.signal, end: () => void (heard -= 1) };
    };
    pi.clock.after(PULSE_MS / 2, () => ending.abort());
    const deps = { openHardware, hearSignals };
    const { code, out } = await doctor(pi, { outputs: true, yes: true }, deps);
    expect(moves).toEqual(PULSES.slice(0, 3));
    expect(gpio.level(AT.chip, 17)).toBe(false);
    expect(out).toMatch(/FAILED output:siren: pulse: cut short by a signal, and put back/);
    expect(out).toMatch(/not moved: interrupted/);
    expect(code).toBe(EXIT.failed);
    expect(heard).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends a pulse, not the process', (name) => {
    const before = process.listenerCount(name);
    const heard = hearSignals();
    expect(heard.signal.aborted).toBe(false);
    process.emit(name);
    expect(heard.signal.aborted).toBe(true);
    heard.end();
    expect(process.listenerCount(name)).toBe(before);
  });

  it('a line that sysfs has exported may be sounding: it is left alone', async () => {
    const pi = healthyPi4();
    const { moves, openHardware } = rig(pi);
    const onoff = join(folder, 'onoff.yaml');
    writeFileSync(onoff, CONFIG.replace('backend: cdev', 'backend: onoff'));
    const options = { config: onoff, outputs: true, yes: true };
    const exported = ({ line }: { line: number | string }) => line === 17;
    const { out, code } = await doctor(pi, options, { openHardware, exported });
    expect(moves).toEqual(PULSES.slice(3));
    expect(out).toMatch(/FAILED output:siren: pulse: not moved: sysfs has this line exported/);
    expect(out).toMatch(/-> where no appliance runs .*\/sys\/class\/gpio\/unexport/);
    expect(code).toBe(EXIT.failed);
  });

  it('says that simulated lines are none', async () => {
    const pi = healthyPi4();
    const { moves, openHardware } = rig(pi);
    const simulated = join(folder, 'simulated.yaml');
    writeFileSync(simulated, CONFIG.replace('backend: cdev', 'backend: simulated'));
    const options = { config: simulated, outputs: true, yes: true };
    const { out } = await doctor(pi, options, { openHardware });
    expect(moves).toEqual([]);
    expect(out).toMatch(/not moved: gpio.backend is\s+simulated/);
  });

  it('is refused while an appliance runs, and where a line is held', async () => {
    const pi = healthyPi4();
    const { gpio, moves, openHardware } = rig(pi);
    pi.net.running = true;
    const refused = await doctor(pi, { outputs: true, yes: true }, { openHardware });
    expect(moves).toEqual([]);
    expect(refused.code).toBe(EXIT.failed);
    expect(refused.out).toMatch(/not moved: an appliance is running here/);
    pi.net.running = false;
    pi.net.taken.add(4888);
    await doctor(pi, { outputs: true, yes: true }, { openHardware });
    expect(moves).toEqual([]);
    pi.net.taken.clear();
    gpio.setFault(AT.chip, 17, 'busy');
    const held = await doctor(pi, { outputs: true, yes: true }, { openHardware });
    expect(held.out).toMatch(/FAILED output:siren: pulse: not moved: /);
  });
});

describe('probes of configured sensors', () => {
  const sensors = (...options: readonly Record<string, unknown>[]) => {
    const list = options.map((one, i) => ({ id: `s${i}`, driver: 'any', options: one }));
    const parsed = parseConfig('', {}, []);
    if (!parsed.ok) throw new Error('the default configuration is not valid');
    const mount = { rotate: 0 as const, mirror: false };
    const optics = { lens: '55x35' as const, distanceMetres: null, behindCelsius: 20 };
    const bare = { mount, optics, regions: [] };
    return { ...parsed.config, sensors: list.map((one) => ({ ...one, ...bare })) };
  };
  const prepared = (claims: readonly string[], probe: () => ReturnType<Ready['probe']>): Ready => ({
    ...{ ok: true, timing: { cadenceMs: 1, delayMs: 0 }, channels: 'any', claims, probe },
    open: () => ({ close: () => Promise.resolve() }),
  });
  type Ready = Extract<Prepared, { ok: true }>;

  async function probe(config: ReturnType<typeof sensors>, drivers: readonly Ready[], run = false) {
    const world = healthyPi4();
    const findings = configuredFindings({
      ...{ config, world, gpio: world.gpio, running: run },
      hardware: simulatedHardware(world.clock),
      prepare: (_, options) => drivers[(options as { n: number }).n],
    });
    return inModelTime(world, PROBE_DEADLINE_MS / 4, findings);
  }

  it('a hanging, a broken and a mute probe are findings, and the others are heard', async () => {
    const good = finding('i2c', 'MLX90640 at 0x33', 'ok', 'answers');
    const findings = await probe(sensors({ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }), [
      prepared(['i2c:/dev/i2c-1:0x33'], () => new Promise<never>(() => undefined)),
      prepared(['i2c:/dev/i2c-1:0x34'], () => Promise.resolve([good])),
      prepared([], () => Promise.reject(new Error('a bug'))),
      prepared([], () => Promise.resolve([])),
    ]);
    const of = (sensor: string) => findings.find(({ area }) => area === `sensor:${sensor}`);
    expect(of('s0')).toMatchObject({ state: 'failed', found: 'the probe: no answer within 10 s' });
    expect(of('s1')).toEqual({ ...good, area: 'sensor:s1' });
    expect(of('s2')).toMatchObject({ state: 'failed', found: 'the probe: ended with: a bug' });
    expect(of('s3')).toMatchObject({ state: 'note' });
  });

  it('sensors of one bus are probed one after another, others meanwhile', async () => {
    const log: string[] = [];
    const slow = (name: string) => async () => {
      log.push(`${name} begins`);
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      return [finding('x', name, 'ok', '')];
    };
    await probe(sensors({ n: 0 }, { n: 1 }, { n: 2 }), [
      prepared(['i2c:/dev/i2c-1:0x33'], slow('a')),
      prepared(['i2c:/dev/i2c-1:0x48'], slow('b')),
      prepared(['spi:/dev/spidev0.0:1'], slow('c')),
    ]);
    expect(log.indexOf('b begins')).toBeGreaterThan(log.indexOf('a ends'));
    expect(log.indexOf('c begins')).toBeLessThan(log.indexOf('a ends'));
  });

  it('serial ports of all kinds of lines are looked at as wanted', async () => {
    const modem = 'usb-HUAWEI_Technology_HUAWEI_Mobile-if00-port0';
    const plc = {
      ...{ serial: { path: `/dev/serial/by-id/${modem}` }, unit: 3 },
      groups: [{ table: 'holding', address: 0, count: 1, cadenceSeconds: 1 }],
      channels: [{ channel: 's', register: 0, high: 100 }],
    };
    const zone = { id: 'z', sensors: [{ sensor: 'plc', channel: 's', role: 'smoke' }] };
    const path = join(folder, 'rtu.yaml');
    const sensor = { id: 'plc', driver: 'modbus', options: plc };
    writeFileSync(path, JSON.stringify({ sensors: [sensor], zones: [zone] }));
    const pi = healthyPi4();
    pi.serialPort('ttyUSB1', 'option', modem);
    const { out } = await doctor(pi, { config: path });
    expect(out).toMatch(/FAILED serial: .*HUAWEI.*: a modem/);
  });

  it('what a running appliance has open is skipped, not failed', async () => {
    const busy = finding('serial', '/dev/ttyUSB0', 'failed', 'busy');
    const drivers = [prepared([], () => Promise.resolve([busy]))];
    const findings = await probe(sensors({ n: 0 }), drivers, true);
    expect(about(findings, 'sensor:s0', '/dev/ttyUSB0')).toMatchObject({ state: 'skipped' });
  });
});

describe('the line of a contact', () => {
  const contact = (line: number) => `
sensors: [{ id: door, driver: gpio-contact, options: { chip: pinctrl-bcm2711, line: ${line}, channel: call } }]
zones: [{ id: z, sensors: [{ sensor: door, channel: call, role: flameDigital }] }]
`;
  const look = async (text: string, change: (pi: DoctorModel) => void) => {
    const pi = healthyPi4();
    change(pi);
    const hardware = simulatedHardware(pi.clock);
    const opened: string[] = [];
    const { gpio } = hardware;
    const open = gpio.openInput.bind(gpio);
    gpio.openInput = (name, at, debounceMs) => {
      opened.push(name);
      return open(name, at, debounceMs);
    };
    const path = join(folder, 'contact.yaml');
    writeFileSync(path, text);
    const openHardware = () => Promise.resolve(hardware);
    const { out } = await doctor(pi, { config: path, json: true }, { openHardware });
    const { findings } = JSON.parse(out) as DoctorReport;
    return { opened, found: findings.find(({ area }) => area === 'sensor:door') };
  };

  it('is asked for its level where it is a free input', async () => {
    const { opened, found } = await look(contact(5), () => undefined);
    expect(opened).toEqual(['doctor-door']);
    expect(found).toMatchObject({ state: 'ok', found: 'inactive' });
  });

  it('is not touched where it is an output now, is held, or cannot be looked at', async () => {
    const output = await look(contact(5), (pi) => {
      const { label, path, lines } = chip('pinctrl-bcm2711', '/dev/gpiochip0', 58, {});
      const driven = lines.map((line) => ({ ...line, direction: 'out' as const }));
      pi.gpio = done({ chips: [{ label, path, lines: driven }], unreadable: [] });
    });
    expect(output.opened).toEqual([]);
    expect(output.found).toMatchObject({ state: 'skipped' });
    expect(output.found?.found).toMatch(/now an output, free; not asked for its level/);
    const held = await look(contact(5), (pi) => {
      const one = chip('pinctrl-bcm2711', '/dev/gpiochip0', 58, { 5: 'w1' });
      pi.gpio = done({ chips: [one], unreadable: [] });
    });
    expect(held.opened).toEqual([]);
    expect(held.found).toMatchObject({ state: 'failed' });
    expect(held.found?.found).toMatch(/held by "w1"/);
    const old = await look(`${contact(5)}gpio: { backend: onoff }\n`, (pi) => {
      pi.gpio = failed('absent', 'no GPIO character device');
    });
    expect(old.opened).toEqual([]);
    expect(old.found).toMatchObject({ state: 'skipped' });
  });
});

describe('the table', () => {
  it('keeps to its width, wraps words and loses none', () => {
    const long = 'word '.repeat(40).trim();
    const lines = tableLines([finding('area', 'subject', 'warning', long, long)], 100);
    const body = lines.slice(0, -2);
    expect(Math.max(...body.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(body.join(' ').match(/word/g)).toHaveLength(80);
  });

  it('device names cannot command the terminal', () => {
    const lines = tableLines([finding('iio', 'x', 'ok', 'name \u001b[2J\u202e end')], 100);
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('groups areas that came apart', () => {
    const findings = ['a', 'b', 'a'].map((area, i) => finding(area, `${i}`, 'ok', ''));
    const rows = tableLines(findings, 100).slice(2, 5);
    expect(rows.map((line) => line.slice(0, 1))).toEqual(['a', ' ', 'b']);
  });
});

describe('docs/doctor.md', () => {
  it('shows a table that the code makes', async () => {
    const pi = healthyPi4();
    pi.self = { ...pi.self, groupIds: [20] };
    pi.device('/dev/i2c-1', 'i2c');
    pi.device('/dev/spidev0.0', 'spi');
    pi.set('/sys/class/watchdog/watchdog0/state', 'inactive');
    pi.serialPort('ttyUSB1', 'option', 'usb-HUAWEI_Technology_HUAWEI_Mobile-if00-port0');
    pi.set('/etc/group', 'dialout:x:20:embereye\ni2c:x:994:pi\nspi:x:995:pi\ngpio:x:993:embereye');
    pi.net.open.delete('broker.example.net:8883');
    pi.gpio = done({
      chips: [chip('pinctrl-bcm2711', '/dev/gpiochip0', 58, { 17: 'w1' })],
      unreadable: [],
    });
    const { out, code } = await doctor(pi);
    expect(code).toBe(EXIT.failed);
    const page = readFileSync(join(import.meta.dirname, '../../docs/doctor.md'), 'utf8');
    expect(page).toContain(`\`\`\`text\n${out}\n\`\`\``);
  });
});
