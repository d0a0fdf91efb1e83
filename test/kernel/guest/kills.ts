/** A runtime that is killed, with and without a GPIO holder: what its pins do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { board, hold, lineInfo, reset } from './board.ts';
import { pinDirection, pinHistory, pinLevel, watchPin } from './pins.ts';
import type { BackendName } from './rigs.ts';
import { BACKEND_NAMES } from './rigs.ts';
import { eventually } from './stalls.ts';

const { siren, relay, hasHands } = board();

/** A runtime whose outputs are open. */
async function startRuntime(
  backend: BackendName,
  socket: string,
  ...more: readonly string[]
): Promise<ChildProcess> {
  const args = ['/app/runtime.js', backend, socket, ...more];
  const runtime = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(runtime, 'exit').then(([code]) => {
    throw new Error(`the runtime ended with ${String(code)}`);
  });
  await Promise.race([once(runtime.stdout, 'data'), ended]);
  ended.catch(() => undefined); // It is killed later on.
  return runtime;
}

async function kill(runtime: ChildProcess): Promise<void> {
  const gone = once(runtime, 'exit');
  runtime.kill('SIGKILL');
  await gone;
}

/** What happened, for the record: shown by the host, no verdict. */
function note(text: string): void {
  console.log(`@note ${text}`);
}

function pinText(line: number): string {
  const level = pinLevel(line) ? 'high' : 'low';
  return hasHands ? level : `${level}, ${pinDirection(line) === 'out' ? 'driven' : 'not driven'}`;
}

function holderPid(): number | null {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gpio-holder.js');
    } catch {
      return false; // it has just ended
    }
  });
  return found === undefined ? null : Number(found);
}

async function endHolder(): Promise<void> {
  const pid = holderPid();
  if (pid === null) return;
  process.kill(pid, 'SIGKILL');
  await eventually('the holder ends', () => holderPid() === null);
}

function defineWithout(name: BackendName): void {
  it('without a holder: its lines are free afterwards', async () => {
    const runtime = await startRuntime(name, '-');
    expect(pinLevel(siren)).toBe(true);
    expect(pinLevel(relay)).toBe(true);
    await kill(runtime);
    note(
      `${name}, killed without a holder: siren ${pinText(siren)}, fault relay ${pinText(relay)}`,
    );
    // An exported line stays the kernel's: sysfs holds on to it and to its level.
    if (name === 'onoff') {
      expect(lineInfo(siren)).toMatchObject({ used: true, consumer: 'sysfs' });
      expect(pinLevel(siren)).toBe(true);
    } else {
      expect(lineInfo(siren)).toMatchObject({ used: false });
      closeSync(hold(siren, 'whoever comes next'));
    }
  });
}

function defineWith(name: BackendName): void {
  it('with the holder: siren kept, fault relay dropped, the next runtime goes on', async () => {
    const socket = `/run/${name}.sock`;
    const first = await startRuntime(name, socket);
    expect(pinLevel(siren)).toBe(true);
    expect(pinLevel(relay)).toBe(true);
    if (hasHands) watchPin(siren);
    await kill(first);
    await eventually('the fault relay drops', () => !pinLevel(relay));
    expect(pinLevel(siren)).toBe(true);
    if (!hasHands) expect([siren, relay].map(pinDirection)).toEqual(['out', 'out']);
    note(`${name}, killed with the holder: siren ${pinText(siren)}, fault relay ${pinText(relay)}`);
    const second = await startRuntime(name, socket);
    expect(pinLevel(siren)).toBe(true);
    expect(pinLevel(relay)).toBe(true);
    if (hasHands) expect(pinHistory(siren)).toEqual([]);
    await kill(second);
    await eventually('the fault relay drops again', () => !pinLevel(relay));
    expect(pinLevel(siren)).toBe(true);
    if (hasHands) expect(pinHistory(siren)).toEqual([]);
  });

  it('a holder that dies itself takes nothing along while the runtime lives', async () => {
    const runtime = await startRuntime(name, `/run/${name}-2.sock`);
    if (hasHands) for (const line of [siren, relay]) watchPin(line);
    await endHolder();
    expect(pinLevel(siren)).toBe(true);
    expect(pinLevel(relay)).toBe(true);
    if (hasHands) expect([...pinHistory(siren), ...pinHistory(relay)]).toEqual([]);
    await kill(runtime);
  });
}

function definePauses(name: BackendName): void {
  for (const polarity of ['high', 'low']) {
    const on = polarity === 'high';
    it(`an active-${polarity} siren that is lost in a pause of its pattern sounds on`, async () => {
      const socket = `/run/${name}-${polarity}.sock`;
      const runtime = await startRuntime(name, socket, 'paused', polarity);
      expect(pinLevel(siren)).toBe(!on);
      await kill(runtime);
      await eventually('the siren sounds', () => pinLevel(siren) === on);
      // The next run finds no alarm: what the last one said of its siren must not come back.
      const next = await startRuntime(name, socket, 'silent', polarity);
      expect(pinLevel(siren)).toBe(!on);
      if (hasHands) watchPin(siren);
      await kill(next);
      await eventually('the fault relay drops', () => !pinLevel(relay));
      expect(pinLevel(siren)).toBe(!on);
      if (hasHands) expect(pinHistory(siren)).toEqual([]);
    });
  }
}

export function defineKills(): void {
  for (const name of BACKEND_NAMES) {
    describe(`a runtime killed with SIGKILL: ${name}`, () => {
      beforeEach(() => [siren, relay].forEach(reset));
      afterEach(endHolder);
      defineWithout(name);
      defineWith(name);
      definePauses(name);
    });
  }
}
