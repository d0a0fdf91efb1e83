import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUS_QUEUE_LIMIT } from '../../src/hal/bus-queue.ts';
import type { SpiDevice } from '../../src/hal/bus-ports.ts';
import type { HalErrorKind, HalResult } from '../../src/hal/ports.ts';
import type { BusFault, SpiRig } from '../hal/bus-rigs.ts';
import { SPI_INPUTS, spiRigs } from '../hal/bus-rigs.ts';

for (const kind of spiRigs) {
  describe.skipIf(!kind.present)(`SPI device: ${kind.name}`, () => {
    let rig: SpiRig;
    let handles: SpiDevice[];
    beforeEach(() => {
      rig = kind.open();
      handles = [];
    });
    afterEach(async () => {
      rig.fault('fine');
      await Promise.all(handles.map((handle) => handle.close()));
      rig.close();
    });

    async function open(mode = 0, speedHz = 1_000_000): Promise<SpiDevice> {
      const device = value(await rig.backend.open({ path: rig.path, mode, speedHz }));
      handles.push(device);
      return device;
    }

    it('gives as many bytes as went out, of the same moment', async () => {
      const device = await open();
      expect(device.path).toBe(rig.path);
      for (const [channel, level] of SPI_INPUTS.entries()) {
        const answer = value(await device.transfer(ask(channel)));
        expect(answer).toHaveLength(3);
        expect(levelOf(answer)).toBe(level);
      }
      expect(value(await device.transfer(new Uint8Array(7)))).toEqual(new Uint8Array(7));
    });

    it('runs transfers one after another in the order in which they were asked', async () => {
      const [one, two] = [await open(), await open(0, 500_000)];
      const finished: number[] = [];
      const answers = Array.from({ length: 24 }, async (_, i) => {
        const answer = value(await (i % 2 === 0 ? one : two).transfer(ask(i % 8)));
        finished.push(i);
        return levelOf(answer);
      });
      const expected = Array.from({ length: 24 }, (_, i) => SPI_INPUTS[i % 8]);
      expect(await Promise.all(answers)).toEqual(expected);
      expect(finished).toEqual(expected.map((_, i) => i));
    });

    it('sends what was in the buffer when it was asked, however long it waits', async () => {
      const device = await open();
      const question = ask(4);
      const asked = [1, 2, 3].map(() => device.transfer(question));
      question.fill(0);
      for (const answer of await Promise.all(asked)) {
        expect(levelOf(value(answer))).toBe(SPI_INPUTS[4]);
      }
    });

    it.each<[BusFault, HalErrorKind]>([
      ['eio', 'other'],
      ['timeout', 'timeout'],
      ['short', 'corrupt'],
      ['gone', 'absent'],
    ])('%s is %s, and the handle works again when it is over', async (fault, errorKind) => {
      const device = await open();
      for (let round = 0; round < 3; round++) {
        rig.fault(fault);
        const failed = await device.transfer(ask(1));
        expect(failed).toMatchObject({ ok: false, error: { kind: errorKind } });
        expect(message(failed)).toContain(rig.path);
        rig.fault('fine');
        expect(levelOf(value(await device.transfer(ask(3))))).toBe(SPI_INPUTS[3]);
      }
    });

    it('a device that is not there is absent; it can be opened when it comes', async () => {
      for (let round = 0; round < 3; round++) {
        rig.unplug();
        const refused = await rig.backend.open({ path: rig.path, mode: 0, speedHz: 1_000_000 });
        expect(refused).toMatchObject({ ok: false, error: { kind: 'absent' } });
        expect(message(refused)).toContain(rig.path);
        rig.replug();
        const device = await open();
        expect(levelOf(value(await device.transfer(ask(2))))).toBe(SPI_INPUTS[2]);
        rig.unplug();
        const gone = await device.transfer(ask(2));
        expect(gone).toMatchObject({ ok: false, error: { kind: 'absent' } });
        await device.close();
      }
    });

    it('stays open for one user when another closes it', async () => {
      const users = await Promise.all(Array.from({ length: 10 }, () => open()));
      for (const user of users) {
        expect(levelOf(value(await user.transfer(ask(5))))).toBe(SPI_INPUTS[5]);
        await user.close();
        await user.close();
        expect(await user.transfer(ask(5))).toMatchObject({ ok: false, error: { kind: 'other' } });
      }
    });

    it('has one mode: another user cannot have another', async () => {
      const first = await open(0);
      const second = await rig.backend.open({ path: rig.path, mode: 3, speedHz: 1_000_000 });
      expect(second).toMatchObject({ ok: false, error: { kind: 'other' } });
      expect(message(second)).toContain('mode 0');
      expect(levelOf(value(await first.transfer(ask(4))))).toBe(SPI_INPUTS[4]);
      await first.close();
      expect(levelOf(value(await (await open(3)).transfer(ask(4))))).toBe(SPI_INPUTS[4]);
    });

    it('ends what is under way when it is closed, and the others keep their turns', async () => {
      const [leaves, stays] = [await open(), await open()];
      const mine = Array.from({ length: 8 }, () => leaves.transfer(new Uint8Array(2000)));
      const theirs = Array.from({ length: 4 }, (_, i) => stays.transfer(ask(i)));
      await leaves.close();
      for (const result of await Promise.all(mine)) {
        expect(result).toMatchObject({ ok: false, error: { kind: 'other' } });
      }
      const levels = (await Promise.all(theirs)).map((result) => levelOf(value(result)));
      expect(levels).toEqual(SPI_INPUTS.slice(0, 4));
    });

    it(`lets ${BUS_QUEUE_LIMIT} transfers wait, and is busy for more`, async () => {
      const device = await open();
      const asked = Array.from({ length: BUS_QUEUE_LIMIT + 11 }, () => device.transfer(ask(1)));
      const refused = (await Promise.all(asked)).filter((result) => !result.ok);
      expect(refused).toHaveLength(10);
      for (const result of refused) expect(result).toMatchObject({ error: { kind: 'busy' } });
    });

    it.each([0, 4097])('refuses %d bytes', async (bytes) => {
      const refused = await (await open()).transfer(new Uint8Array(bytes));
      expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    });
  });
}

/** As an MCP3208 wants it: start bit, single-ended, three bits of channel. */
function ask(channel: number): Uint8Array {
  return Uint8Array.of(0x06 | (channel >> 2), (channel & 3) << 6, 0);
}

function levelOf(answer: Uint8Array): number {
  return (((answer[1] ?? 0) & 0x0f) << 8) | (answer[2] ?? 0);
}

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}
