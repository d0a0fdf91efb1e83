import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawBoard } from './field.ts';
import { eventually, pause } from './processes.ts';
import { FAULT_RELAY, SIREN, Unit } from './unit.ts';

/** Looks at a line all the time: at each write as the kernel reports it, and between them. */
class LineWatch {
  readonly seen = new Set<string>();
  #looks = 0;
  readonly #stop: () => void;

  constructor(path: string) {
    const look = (): void => {
      this.#looks += 1;
      this.seen.add(readFileSync(path, 'utf8').trim());
    };
    look();
    const watcher = watch(path, look);
    const timer = setInterval(look, 1);
    this.#stop = () => {
      watcher.close();
      clearInterval(timer);
    };
  }

  get looks(): number {
    return this.#looks;
  }

  stop(): void {
    this.#stop();
  }
}

const STROBE = 27;

describe('an appliance whose outputs are held', () => {
  let unit: Unit;
  let board: RawBoard;
  let lines: string;

  beforeAll(async () => {
    unit = await Unit.prepare();
    lines = join(unit.scratch.memory, 'gpio');
    configure([{ id: 'strobe', role: 'strobe', line: STROBE, pattern: 'pulsed' }]);
    await unit.start();
    board = await RawBoard.connect(unit.boardPort, 'A');
    board.smoke();
    await unit.siren(true);
    await relay(true);
  }, 90_000);
  afterAll(async () => {
    board.close();
    await unit.end('SIGKILL');
    // The holder ends by itself once it has no runtime and nothing to keep.
    await eventually('the holder ends', () => holders().every((pid) => !isRunning(pid)));
    await unit.remove();
  }, 60_000);

  const configure = (more: readonly object[]): void =>
    unit.configure({
      boards: [{ id: 'a', match: { serial: 'A' } }],
      zones: [{ id: 'a', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
      gpio: {
        backend: 'simulated',
        mirrorDirectory: lines,
        holder: 'auto',
        outputs: [
          { id: 'siren', role: 'siren', line: SIREN },
          ...more,
          { id: 'fault-relay', role: 'faultRelay', line: FAULT_RELAY },
        ],
      },
    });
  const relay = (active: boolean) =>
    eventually(
      () => `fault relay ${active}: ${unit.said} ${holderLog()}`,
      () => unit.level(FAULT_RELAY) === active,
    );
  const sirenWatch = () => new LineWatch(join(lines, `simulated-${SIREN}`, 'value'));
  const holderLog = (): string => {
    const path = join(unit.runFolder, 'gpio-holder.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const holders = () =>
    [...holderLog().matchAll(/"pid":(\d+),"hangMs"/g)].map(([, pid]) => Number(pid));
  const runtimePid = (): number => {
    const [, pid] = [...holderLog().matchAll(/"peer":(\d+),.*"runtime connected"/g)].at(-1) ?? [];
    return Number(pid);
  };
  const isRunning = (pid: number): boolean => {
    try {
      // A process that has ended and not been waited for is there, and does not run.
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  };

  it('has no fault of its holder', async () => {
    const faults = (await unit.faults()).map(({ fault }) => fault);
    expect(faults).not.toContain('gpioHolderDown');
    expect(holders()).toHaveLength(1);
  });

  it('kill -9: the siren sounds on, the fault relay drops; the next run goes on with it', async () => {
    const siren = sirenWatch();
    await eventually('a pause of the strobe', () => !unit.level(STROBE));
    await unit.end('SIGKILL');
    await relay(false);
    await eventually('a strobe that was lost in a pause lights up', () => unit.level(STROBE));
    expect(unit.level(SIREN)).toBe(true);
    await unit.start();
    board.close();
    board = await RawBoard.connect(unit.boardPort, 'A');
    board.smoke();
    await relay(true);
    siren.stop();
    expect(siren.looks).toBeGreaterThan(100);
    expect([...siren.seen]).toEqual(['1']);
  }, 90_000);

  it('a runtime that hangs: the fault relay drops, the siren sounds on', async () => {
    const siren = sirenWatch();
    const pid = runtimePid();
    process.kill(pid, 'SIGSTOP');
    await relay(false);
    process.kill(pid, 'SIGCONT');
    await relay(true);
    siren.stop();
    expect([...siren.seen]).toEqual(['1']);
  }, 90_000);

  it('kill -9 of the holder: a fault, another holder, and the same guarantee', async () => {
    const before = holders();
    for (const pid of before) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    await eventually(
      () => `another holder has the runtime: ${holderLog()}`,
      () => holders().length > before.length && holderLog().trimEnd().includes('runtime connected'),
    );
    await unit.faultGone('gpioHolderDown');
    await pause(100);
    await unit.end('SIGKILL');
    await relay(false);
    expect(unit.level(SIREN)).toBe(true);
    await unit.start();
  }, 90_000);

  it('releases what is configured no longer, but nothing while an output is missing', async () => {
    await unit.end('SIGKILL');
    const value = join(lines, `simulated-${SIREN}`, 'value');
    rmSync(value);
    mkdirSync(value);
    configure([]);
    await unit.start();
    await unit.fault('outputFailed');
    const released = () => holderLog().includes('"lines released: no longer configured"');
    expect(released()).toBe(false);
    rmdirSync(value);
    await unit.siren(true);
    await eventually('the strobe is released', released);
    expect(holderLog()).toContain(`"keys":"simulated:simulated:${STROBE}"`);
  }, 90_000);
});
