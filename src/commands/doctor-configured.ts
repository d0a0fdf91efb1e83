/** What the doctor looks at because a configuration names it: sensors, lines, brokers, premises. */
import { resolve } from 'node:path';
import type { Config } from '../config-schema.ts';
import { addressesOf } from '../links.ts';
import type { MqttLinkOptions } from '../uplink/mqtt-link.ts';
import { sensorId } from '../domain/units.ts';
import { brokerFindings } from '../hal/doctor/brokers.ts';
import type { BrokerPlan } from '../hal/doctor/brokers.ts';
import { within } from '../hal/doctor/deadline.ts';
import type { WantedLine } from '../hal/doctor/gpio.ts';
import { isFreeInput, lineFinding } from '../hal/doctor/gpio.ts';
import { diskFinding } from '../hal/doctor/disk.ts';
import { portFinding, runFinding, stateFinding } from '../hal/doctor/premises.ts';
import type { DoctorWorld, GpioFacts } from '../hal/doctor/world.ts';
import { finding } from '../hal/doctor/world.ts';
import { sensorDriver } from '../hal/drivers/index.ts';
import type { Hardware } from '../hal/hardware.ts';
import type { HalResult } from '../hal/ports.ts';
import type { ProbeFinding } from '../hal/probe.ts';
import type { Prepared } from '../hal/sensor-driver.ts';

/** A whole thermal array is read within half a second; a slow Modbus line needs some. */
export const PROBE_DEADLINE_MS = 10_000;

export interface ConfiguredParts {
  readonly config: Config;
  readonly world: DoctorWorld;
  readonly hardware: Hardware;
  readonly gpio: HalResult<GpioFacts>;
  /** Whether an appliance runs on this machine. */
  readonly running: boolean;
  /** Default: the product's drivers. */
  readonly prepare?: (driver: string, options: unknown) => Prepared | undefined;
}

export async function configuredFindings(parts: ConfiguredParts): Promise<readonly ProbeFinding[]> {
  const { config, world, running } = parts;
  const brokers = config.uplink.brokers.flatMap((broker) =>
    addressesOf(config, broker).map((address) => brokerFindings(world, planOf(broker.id, address))),
  );
  const ports = wantedPorts(config).map((wanted) => portFinding(world, wanted, running));
  return [
    ...(await sensorFindings(parts)),
    ...lineFindings(parts),
    ...(await Promise.all(brokers)).flat(),
    await stateFinding(world, config.state.directory),
    await diskFinding(world, resolve(config.state.directory)),
    await runFinding(world, config.state.runDirectory),
    ...(await Promise.all(ports)),
  ];
}

type Ready = Extract<Prepared, { readonly ok: true }>;

/** Serial ports that the configured sensors use. */
export function serialPathsOf(config: Config): readonly string[] {
  return config.sensors.flatMap(({ driver, options }) => {
    const prepared = sensorDriver(driver)?.prepare(options);
    const claims = prepared?.ok === true ? prepared.claims : [];
    const own = claims.flatMap((claim) => (claim.startsWith('serial:') ? [claim.slice(7)] : []));
    return [...own, ...sharedSerialPath(options)];
  });
}

/** The port of a Modbus line, which several sensors share and none claims. */
function sharedSerialPath({ serial }: Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof serial !== 'object' || serial === null || !('path' in serial)) return [];
  return typeof serial.path === 'string' ? [serial.path] : [];
}

/** One after another where sensors share a bus, side by side where they do not. */
async function sensorFindings(parts: ConfiguredParts): Promise<readonly ProbeFinding[]> {
  const prepare = parts.prepare ?? ((kind, options) => sensorDriver(kind)?.prepare(options));
  const tails = new Map<string, Promise<unknown>>();
  const done = Promise.resolve();
  const all = parts.config.sensors.map(async ({ id, driver, options }) => {
    const prepared = prepare(driver, options);
    if (prepared?.ok !== true) {
      const found = `the options of driver "${driver}" are not valid`;
      return [finding(`sensor:${id}`, driver, 'failed', found, 'run embereye check-config')];
    }
    const buses = prepared.claims.map(busOf);
    const before = buses.map((bus) => tails.get(bus) ?? done);
    const probed = Promise.all(before).then(() => probe(parts, id, driver, prepared));
    for (const bus of buses) tails.set(bus, probed);
    return probed;
  });
  return (await Promise.all(all)).flat();
}

/** `i2c:/dev/i2c-1` of `i2c:/dev/i2c-1:0x33`. */
function busOf(claim: string): string {
  return claim.split(':').slice(0, 2).join(':');
}

async function probe(
  parts: ConfiguredParts,
  id: string,
  driver: string,
  prepared: Ready,
): Promise<readonly ProbeFinding[]> {
  const { world, hardware, gpio, running } = parts;
  const area = `sensor:${id}`;
  const lines = claimedLines(parts, area, prepared);
  // A line that is an output now drives something: looking at its level would let go of it.
  const isContact = lines.length > 0 && lines.length === prepared.claims.length;
  if (isContact && !lines.every(({ at }) => isFreeInput(at, gpio))) {
    return lines.map((line) => contactFinding(line, gpio, running));
  }
  const { clock } = world;
  const host = {
    ...hardware,
    sensor: sensorId(id),
    clock,
    readFile: (path: string) => world.readBytes(path),
  };
  const ended = await within(clock, PROBE_DEADLINE_MS, () => prepared.probe(host));
  const remedyOf = 'look at its wiring and power';
  const found = ended.ok
    ? ended.value
    : [finding(area, driver, 'failed', `the probe: ${ended.error.message}`, remedyOf)];
  if (found.length === 0) return [finding(area, driver, 'note', 'this driver has no probe')];
  const own = found.map((one) => ({ ...one, area }));
  if (!running || own.every(({ state }) => state !== 'failed')) return own;
  // The appliance has its ports open, and its transfers come between those of a probe.
  const remedy = 'an appliance is running: see its faults at /ready, or stop it and look again';
  return own.map((one) =>
    one.state === 'failed' ? { ...one, state: 'skipped' as const, remedy } : one,
  );
}

/** GPIO lines that a driver claims, `gpio:pinctrl-rp1:17`; none where lines are simulated. */
function claimedLines({ config }: ConfiguredParts, area: string, { claims }: Ready): WantedLine[] {
  const { backend } = config.gpio;
  if (backend === 'simulated') return [];
  return claims.flatMap((claim) => {
    const [, chip, line] = /^gpio:(.*):([^:]*)$/.exec(claim) ?? [];
    if (chip === undefined || line === undefined) return [];
    const at = { chip, line: /^\d+$/.test(line) ? Number(line) : line };
    return [{ area, at, onSysfs: backend === 'onoff' }];
  });
}

function contactFinding(
  line: WantedLine,
  gpio: HalResult<GpioFacts>,
  running: boolean,
): ProbeFinding {
  const found = lineFinding(line, gpio, running);
  if (found.state !== 'ok' || running) return found;
  const remedy = 'compare its number with the wire: inputs do not become outputs by themselves';
  return { ...found, state: 'skipped', found: `${found.found}; not asked for its level`, remedy };
}

function lineFindings({ config, gpio, running }: ConfiguredParts): readonly ProbeFinding[] {
  const { backend, outputs, inputs } = config.gpio;
  const lines = [
    ...outputs.map(({ id, chip, line }) => ({ area: `output:${id}`, at: { chip, line } })),
    ...inputs.map(({ id, chip, line }) => ({ area: `input:${id}`, at: { chip, line } })),
  ];
  if (backend !== 'simulated') {
    const onSysfs = backend === 'onoff';
    return lines.map((line) => lineFinding({ ...line, onSysfs }, gpio, running));
  }
  if (lines.length === 0) return [];
  const found = `${lines.length} lines configured, gpio.backend is simulated: none is touched`;
  return [finding('lines', 'backend', 'warning', found, 'set gpio.backend to cdev')];
}

/** One address of a broker: each is looked at, also those that only stand in. */
function planOf(id: string, address: MqttLinkOptions): BrokerPlan {
  const { host, port, usernameFile, passwordFile, tokenFile, tls } = address;
  return {
    ...{ id, host, port, passwordFile },
    files: {
      ...(usernameFile === null ? {} : { usernameFile }),
      ...(tokenFile === null ? {} : { tokenFile }),
    },
    tls: tls && {
      ...{ verify: tls.verify, caFile: tls.caFile, keyFile: tls.keyFile },
      certificateFile: tls.certFile,
      keyPassphraseFile: tls.passphraseFile ?? null,
      serverName: tls.serverName,
      alpn: tls.alpn ?? [],
    },
  };
}

function wantedPorts({ ingest, http, uplink }: Config) {
  const inside = uplink.embeddedBroker;
  return [
    ...(ingest.enabled ? [{ field: 'ingest.port', host: ingest.host, port: ingest.port }] : []),
    { field: 'http.port', host: http.host, port: http.port },
    ...(inside.enabled
      ? [{ field: 'uplink.embeddedBroker.port', host: inside.host, port: inside.port }]
      : []),
  ];
}
