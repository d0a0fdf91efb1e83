import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { HalError, SerialBackend, SerialLine } from '../../src/hal/ports.ts';
import { createSerialPorts } from '../../src/hal/serial-port.ts';
import { SimulatedSerial } from '../../src/hal/simulated.ts';
import { hasSocat, PtyBoard } from '../hal/pty.ts';

/** One line with a board at its far end. */
interface SerialRig {
  readonly backend: SerialBackend;
  readonly path: string;
  send(bytes: Uint8Array): void;
  /** All bytes that the board has received. */
  received(): Buffer;
  unplug(): Promise<void>;
  replug(): Promise<void>;
  close(): Promise<void>;
}

const clock = systemClock();

async function simulatedRig(): Promise<SerialRig> {
  const backend = new SimulatedSerial(clock);
  const path = '/dev/serial/by-id/simulated';
  const board = backend.plug(path);
  const received: Uint8Array[] = [];
  board.onReceive((bytes) => received.push(bytes));
  return {
    backend,
    path,
    send: (bytes) => board.send(bytes),
    received: () => Buffer.concat(received),
    unplug: async () => board.unplug(),
    replug: async () => board.replug(),
    close: async () => board.unplug(),
  };
}

async function ptyRig(): Promise<SerialRig> {
  const board = await PtyBoard.create();
  await board.plug();
  return {
    backend: createSerialPorts({ clock, checkEveryMs: 20 }),
    path: board.path,
    send: (bytes) => board.send(bytes),
    received: () => Buffer.concat(board.received),
    unplug: () => board.unplug(),
    replug: () => board.plug(),
    close: () => board.close(),
  };
}

const rigs = [
  { name: 'simulated', present: true, make: simulatedRig },
  { name: 'serialport on a pseudo-terminal (needs socat)', present: hasSocat, make: ptyRig },
];

for (const kind of rigs) {
  describe.skipIf(!kind.present)(`serial line: ${kind.name}`, () => {
    let rig: SerialRig;
    const open: SerialLine[] = [];
    beforeEach(async () => {
      rig = await kind.make();
    });
    afterEach(async () => {
      for (const line of open.splice(0)) await line.close();
      await rig.close();
    });

    async function opened(): Promise<{ line: SerialLine; got: Buffer[]; lost: HalError[] }> {
      const result = await rig.backend.open({ path: rig.path, baudRate: 115_200 });
      if (!result.ok) throw result.error;
      const line = result.value;
      open.push(line);
      const got: Buffer[] = [];
      const lost: HalError[] = [];
      line.onLost((error) => lost.push(error));
      line.onData((bytes) => got.push(Buffer.from(bytes)));
      return { line, got, lost };
    }

    it('carries every byte value in both directions, in order', async () => {
      const { line, got } = await opened();
      const bytes = Uint8Array.from({ length: 2048 }, (_, at) => at & 0xff);
      rig.send(bytes);
      line.write(bytes);
      await vi.waitFor(() => expect(Buffer.concat(got)).toEqual(Buffer.from(bytes)), 5000);
      await vi.waitFor(() => expect(rig.received()).toEqual(Buffer.from(bytes)), 5000);
    });

    it('keeps what came before a listener was set', async () => {
      const result = await rig.backend.open({ path: rig.path, baudRate: 115_200 });
      if (!result.ok) throw result.error;
      open.push(result.value);
      rig.send(Buffer.from('#locid:hall!'));
      await pass(100);
      const got: Buffer[] = [];
      result.value.onData((bytes) => got.push(Buffer.from(bytes)));
      await vi.waitFor(() => expect(String(Buffer.concat(got))).toBe('#locid:hall!'), 5000);
    });

    it('is held by one', async () => {
      await opened();
      const again = await rig.backend.open({ path: rig.path, baudRate: 115_200 });
      expect(again).toMatchObject({ ok: false, error: { kind: 'busy' } });
    });

    it('says so when nothing is at the path', async () => {
      const result = await rig.backend.open({ path: `${rig.path}-2`, baudRate: 115_200 });
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(result.ok ? '' : result.error.message).toContain(`${rig.path}-2`);
    });

    it('reports its loss once, and works again at the same path after replugging', async () => {
      const first = await opened();
      await rig.unplug();
      await vi.waitFor(() => expect(first.lost).toHaveLength(1), 5000);
      expect(first.lost[0]?.message).toContain(rig.path);
      first.line.write(Buffer.from('PERIOD_ON'));
      const gone = await rig.backend.open({ path: rig.path, baudRate: 115_200 });
      expect(gone).toMatchObject({ ok: false, error: { kind: 'absent' } });
      await rig.replug();
      const second = await opened();
      rig.send(Buffer.from('back'));
      await vi.waitFor(() => expect(String(Buffer.concat(second.got))).toBe('back'), 5000);
      expect(first.lost).toHaveLength(1);
      expect(first.got).toEqual([]);
    });

    it('tells of a loss that happened before the listener was set', async () => {
      const result = await rig.backend.open({ path: rig.path, baudRate: 115_200 });
      if (!result.ok) throw result.error;
      await rig.unplug();
      await pass(200);
      const lost: HalError[] = [];
      result.value.onLost((error) => lost.push(error));
      await vi.waitFor(() => expect(lost).toHaveLength(1), 5000);
    });

    it('delivers nothing while paused and all of it afterwards', async () => {
      const { line, got } = await opened();
      line.pause();
      const bytes = Buffer.alloc(4096, 'abcdefgh');
      rig.send(bytes);
      await pass(200);
      expect(got).toEqual([]);
      line.resume();
      await vi.waitFor(() => expect(Buffer.concat(got)).toEqual(bytes), 5000);
    });

    it('is silent once closed, however often, and the line is free again', async () => {
      const { line, got, lost } = await opened();
      await line.close();
      await line.close();
      line.write(Buffer.from('late'));
      rig.send(Buffer.from('late'));
      await pass(100);
      expect(got).toEqual([]);
      expect(lost).toEqual([]);
      expect(String(rig.received())).toBe('');
      await opened();
    });
  });
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
