import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { readWholeFile } from '../../src/hal/read-file.ts';
import { createSerialPorts, listSerialPorts } from '../../src/hal/serial-port.ts';
import { hasSocat, PtyBoard } from './pty.ts';

const clock = systemClock();
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'serial-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('serial ports of this machine', () => {
  it('are listed by their stable names', async () => {
    const byId = join(directory, 'by-id');
    mkdirSync(byId);
    symlinkSync('../../ttyUSB1', join(byId, 'usb-FTDI_B-if00'));
    symlinkSync('../../ttyUSB0', join(byId, 'usb-FTDI_A-if00'));
    expect(await listSerialPorts(byId)).toEqual({
      ok: true,
      value: [join(byId, 'usb-FTDI_A-if00'), join(byId, 'usb-FTDI_B-if00')],
    });
  });

  it('are none where the device manager made no directory', async () => {
    expect(await listSerialPorts(join(directory, 'none'))).toEqual({ ok: true, value: [] });
  });

  it('are named when the wanted one is not there', async () => {
    const byIdDirectory = join(directory, 'by-id');
    mkdirSync(byIdDirectory);
    writeFileSync(join(byIdDirectory, 'usb-FTDI_A-if00'), '');
    const ports = createSerialPorts({ clock, byIdDirectory });
    const opened = await ports.open({ path: join(directory, 'ttyUSB9'), baudRate: 9600 });
    expect(opened).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(opened.ok ? '' : opened.error.message).toContain('usb-FTDI_A-if00');
  });

  it.each([
    ['a file', () => writeFileSync(join(directory, 'x'), '')],
    ['a directory', () => mkdirSync(join(directory, 'x'))],
  ])('are not mistaken for %s', async (_what, make) => {
    make();
    const ports = createSerialPorts({ clock });
    const opened = await ports.open({ path: join(directory, 'x'), baudRate: 9600 });
    expect(opened.ok ? '' : opened.error.message).toContain('is not a serial port');
  });

  it('refuse a device that is no terminal, with a value', async () => {
    const opened = await createSerialPorts({ clock }).open({ path: '/dev/null', baudRate: 9600 });
    expect(opened).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(opened.ok ? '' : opened.error.message).toContain('/dev/null');
  });
});

describe.skipIf(!hasSocat)('a serial port on a pseudo-terminal (needs socat)', () => {
  it('turns an exception of the package into a value', async () => {
    const board = await PtyBoard.create();
    await board.plug();
    const opened = await createSerialPorts({ clock }).open({
      path: board.path,
      baudRate: Number.NaN,
    });
    expect(opened).toMatchObject({ ok: false, error: { kind: 'other' } });
    await board.close();
  });

  it('notices that its name now means another device', async () => {
    const [board, other] = [await PtyBoard.create(), await PtyBoard.create()];
    await board.plug();
    await other.plug();
    const ports = createSerialPorts({ clock, checkEveryMs: 20 });
    const path = join(directory, 'usb-board');
    symlinkSync(board.path, path);
    const opened = await ports.open({ path, baudRate: 115_200 });
    if (!opened.ok) throw opened.error;
    const lost: string[] = [];
    opened.value.onLost((error) => lost.push(error.message));
    rmSync(path);
    symlinkSync(other.path, path);
    await vi.waitFor(() => expect(lost).toHaveLength(1), 5000);
    expect(lost[0]).toContain('another device');
    await board.close();
    await other.close();
  });

  it('is lost when more is written than it takes', async () => {
    const board = await PtyBoard.create();
    await board.plug();
    const opened = await createSerialPorts({ clock }).open({ path: board.path, baudRate: 9600 });
    if (!opened.ok) throw opened.error;
    const lost: string[] = [];
    opened.value.onLost((error) => lost.push(error.kind));
    for (let part = 0; part < 200; part++) opened.value.write(new Uint8Array(100));
    await vi.waitFor(() => expect(lost).toEqual(['timeout']), 5000);
    await opened.value.close();
    await board.close();
  });
});

describe('a whole file', () => {
  it('comes as bytes, or says what is wrong', async () => {
    const path = join(directory, 'recording.bin');
    expect(await readWholeFile(path)).toMatchObject({ ok: false, error: { kind: 'absent' } });
    writeFileSync(path, 'four');
    const read = await readWholeFile(path);
    expect(read.ok && Buffer.from(read.value).toString()).toBe('four');
    expect(await readWholeFile(path, 3)).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(await readWholeFile(directory)).toMatchObject({ ok: false });
  });
});
