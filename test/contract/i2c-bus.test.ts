import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUS_QUEUE_LIMIT } from '../../src/hal/bus-queue.ts';
import type { I2cBus } from '../../src/hal/bus-ports.ts';
import type { HalErrorKind, HalResult } from '../../src/hal/ports.ts';
import type { BusFault, I2cRig } from '../hal/bus-rigs.ts';
import { ARRAY_ADDRESS, EMPTY_ADDRESS, i2cRigs } from '../hal/bus-rigs.ts';

const EEPROM = 0x2400;
const CONTROL = 0x800d;

for (const kind of i2cRigs) {
  describe.skipIf(!kind.present)(`I2C bus: ${kind.name}`, () => {
    let rig: I2cRig;
    let handles: I2cBus[];
    beforeEach(() => {
      rig = kind.open();
      handles = [];
    });
    afterEach(async () => {
      rig.fault('fine');
      await Promise.all(handles.map((handle) => handle.close()));
      rig.close();
    });

    async function open(): Promise<I2cBus> {
      const bus = value(await rig.backend.open(rig.path));
      handles.push(bus);
      return bus;
    }

    const read = (bus: I2cBus, address: number, count: number) =>
      bus.transfer(ARRAY_ADDRESS, word(address), 2 * count).then((bytes) => words(value(bytes)));

    const eeprom = (from: number, count: number): number[] => [
      ...rig.eeprom.subarray(from, from + count),
    ];

    it('reads on where the written pointer says, without a stop in between', async () => {
      const bus = await open();
      expect(bus.path).toBe(rig.path);
      expect(await read(bus, EEPROM, 4)).toEqual(eeprom(0, 4));
      expect(await read(bus, EEPROM + 0x10, 3)).toEqual(eeprom(0x10, 3));
      // The device forgets its pointer with a stop: a read alone does not go on from there.
      const alone = words(value(await bus.transfer(ARRAY_ADDRESS, new Uint8Array(), 6)));
      expect(alone).not.toEqual(eeprom(0x13, 3));
    });

    it('carries a whole array memory in one transfer', async () => {
      expect(await read(await open(), EEPROM, 832)).toEqual(eeprom(0, 832));
    });

    it('writes, and takes nothing back', async () => {
      const bus = await open();
      const written = await bus.transfer(ARRAY_ADDRESS, word(CONTROL, 0x1a01), 0);
      expect(written).toEqual({ ok: true, value: new Uint8Array() });
      expect(await read(bus, CONTROL, 1)).toEqual([0x1a01]);
    });

    it('runs transfers one after another in the order in which they were asked', async () => {
      const [one, two] = [await open(), await open()];
      const finished: number[] = [];
      const answers = Array.from({ length: 24 }, async (_, i) => {
        const answer = await read(i % 2 === 0 ? one : two, EEPROM + i, 1);
        finished.push(i);
        return answer;
      });
      expect(await Promise.all(answers)).toEqual(eeprom(0, 24).map((each) => [each]));
      expect(finished).toEqual(Array.from({ length: 24 }, (_, i) => i));
    });

    it('sends what was in the buffer when it was asked, however long it waits', async () => {
      const bus = await open();
      const pointer = word(EEPROM);
      const asked = [1, 2, 3].map(() => bus.transfer(ARRAY_ADDRESS, pointer, 8));
      pointer.fill(0);
      for (const answer of await Promise.all(asked)) {
        expect(words(value(answer))).toEqual(eeprom(0, 4));
      }
    });

    it('says which address does not acknowledge, and others go on', async () => {
      const bus = await open();
      const [silent, fine] = await Promise.all([
        bus.transfer(EMPTY_ADDRESS, word(0), 2),
        read(bus, EEPROM, 1),
      ]);
      expect(silent).toMatchObject({ ok: false, error: { kind: 'noAnswer' } });
      expect(message(silent)).toContain(rig.path);
      expect(message(silent)).toContain('0x5a');
      expect(fine).toEqual(eeprom(0, 1));
    });

    it.each<[BusFault, HalErrorKind]>([
      ['nack', 'noAnswer'],
      ['eio', 'other'],
      ['timeout', 'timeout'],
      ['short', 'corrupt'],
      ['gone', 'absent'],
    ])('%s is %s, and the handle works again when it is over', async (fault, errorKind) => {
      const bus = await open();
      for (let round = 0; round < 3; round++) {
        rig.fault(fault);
        const failed = await bus.transfer(ARRAY_ADDRESS, word(EEPROM), 8);
        expect(failed).toMatchObject({ ok: false, error: { kind: errorKind } });
        expect(message(failed)).toContain(rig.path);
        rig.fault('fine');
        expect(await read(bus, EEPROM, 4)).toEqual(eeprom(0, 4));
      }
    });

    it('a bus that is not there is absent', async () => {
      rig.unplug();
      const opened = await rig.backend.open(rig.path);
      expect(opened).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(message(opened)).toContain(rig.path);
    });

    it('a bus that goes is absent, and can be opened when it is back', async () => {
      for (let round = 0; round < 3; round++) {
        const bus = await open();
        rig.unplug();
        const gone = await bus.transfer(ARRAY_ADDRESS, word(EEPROM), 8);
        expect(gone).toMatchObject({ ok: false, error: { kind: 'absent' } });
        await bus.close();
        rig.replug();
        expect(await read(await open(), EEPROM, 4)).toEqual(eeprom(0, 4));
      }
    });

    it('stays open for one user when another closes it', async () => {
      const users = await Promise.all(Array.from({ length: 10 }, () => open()));
      for (const [i, user] of users.entries()) {
        expect(await read(user, EEPROM + i, 1)).toEqual(eeprom(i, 1));
        await user.close();
        await user.close();
        const refused = await user.transfer(ARRAY_ADDRESS, word(EEPROM), 2);
        expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
      }
    });

    it('ends what is under way when it is closed, and the others keep their turns', async () => {
      const [leaves, stays] = [await open(), await open()];
      const mine = Array.from({ length: 8 }, () =>
        leaves.transfer(ARRAY_ADDRESS, word(EEPROM), 1664),
      );
      const theirs = Array.from({ length: 4 }, (_, i) => read(stays, EEPROM + i, 1));
      await leaves.close();
      for (const result of await Promise.all(mine)) {
        expect(result).toMatchObject({ ok: false, error: { kind: 'other' } });
      }
      expect(await Promise.all(theirs)).toEqual(eeprom(0, 4).map((each) => [each]));
    });

    it('can be opened while it is being closed', async () => {
      for (let round = 0; round < 5; round++) {
        const bus = await open();
        const closing = bus.close();
        const again = await open();
        await closing;
        expect(await read(again, EEPROM, 4)).toEqual(eeprom(0, 4));
        await again.close();
      }
    });

    it(`lets ${BUS_QUEUE_LIMIT} transfers wait, and is busy for more`, async () => {
      const bus = await open();
      const asked = Array.from({ length: BUS_QUEUE_LIMIT + 11 }, () =>
        bus.transfer(ARRAY_ADDRESS, word(EEPROM), 8),
      );
      const results = await Promise.all(asked);
      const refused = results.filter((result) => !result.ok);
      expect(refused).toHaveLength(10);
      for (const result of refused) expect(result).toMatchObject({ error: { kind: 'busy' } });
      expect(await read(bus, EEPROM, 4)).toEqual(eeprom(0, 4));
    });

    it.each([
      ['a reserved address', 0x07, 1, 1],
      ['an address of more than 7 bits', 0x78, 1, 1],
      ['no address', Number.NaN, 1, 1],
      ['no bytes at all', ARRAY_ADDRESS, 0, 0],
      ['more than the kernel takes', ARRAY_ADDRESS, 2, 8193],
      ['a part of a byte', ARRAY_ADDRESS, 2, 1.5],
    ])('refuses %s', async (_, address, writeBytes, readBytes) => {
      const bus = await open();
      const refused = await bus.transfer(address, new Uint8Array(writeBytes), readBytes);
      expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    });
  });
}

/** Big-endian bytes of a pointer and what is written there. */
function word(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((each) => [each >> 8, each & 0xff]));
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i));
}

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}
