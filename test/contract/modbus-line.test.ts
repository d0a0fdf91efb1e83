/** One contract for every Modbus backend, with units of the simulator at the far end. */
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ModbusLine, ModbusRead, ModbusTable } from '../../src/hal/bus-ports.ts';
import type { HalErrorKind, HalResult } from '../../src/hal/ports.ts';
import type { Mischief } from '../../src/simulator/modbus-unit.ts';
import type { ModbusRig } from '../hal/modbus-rigs.ts';
import { bitOf, modbusRigs, UNITS, wordOf } from '../hal/modbus-rigs.ts';

const TIMEOUT_MS = 150;
const PATIENT = { timeout: 15_000, interval: 20 };

function expected({ unit, table, address, count }: ModbusRead): number[] {
  return Array.from({ length: count }, (_, at) =>
    table === 'holding' || table === 'input'
      ? wordOf(unit, table, address + at)
      : bitOf(unit, address + at),
  );
}

const asked = (unit: number, table: ModbusTable, address: number, count: number): ModbusRead => ({
  unit,
  table,
  address,
  count,
  timeoutMs: TIMEOUT_MS,
});

function outcome(result: HalResult<Uint16Array>): number[] | HalErrorKind {
  return result.ok ? [...result.value] : result.error.kind;
}

for (const kind of modbusRigs) {
  describe.skipIf(!kind.present)(`Modbus line: ${kind.name}`, () => {
    let rig: ModbusRig;
    const open: ModbusLine[] = [];
    beforeEach(async () => {
      rig = await kind.make();
    });
    afterEach(async () => {
      for (const line of open.splice(0)) await line.close();
      await rig.close();
    });

    async function opened(): Promise<ModbusLine> {
      const result = await rig.backend.open(rig.address);
      if (!result.ok) throw result.error;
      open.push(result.value);
      return result.value;
    }

    it('reads all four tables, one item and many', async () => {
      const line = await opened();
      for (const request of [
        asked(1, 'holding', 0, 1),
        asked(2, 'input', 3, 125),
        asked(7, 'coil', 5, 1),
        asked(7, 'coil', 0, 17),
        asked(1, 'discrete', 1, 299),
      ]) {
        expect(outcome(await line.read(request))).toEqual(expected(request));
      }
    });

    it('names the exception for registers that a unit has not', async () => {
      const line = await opened();
      const result = await line.read(asked(7, 'holding', 5000, 2));
      expect(outcome(result)).toBe('other');
      expect(result.ok ? '' : result.error.message).toMatch(/unit 7.*exception 2/);
    });

    it('says so when a unit does not answer, and the others go on', async () => {
      const line = await opened();
      const silent = line.read(asked(9, 'holding', 0, 1));
      const other = line.read(asked(2, 'holding', 0, 1));
      const result = await silent;
      expect(outcome(result)).toBe('timeout');
      expect(result.ok ? '' : result.error.message).toContain('unit 9');
      expect(outcome(await other)).toEqual([wordOf(2, 'holding', 0)]);
    });

    it('never mixes up units, however many ask at once', { timeout: 60_000 }, async () => {
      const lines = [await opened(), await opened(), await opened()];
      const read = fc.record({
        line: fc.nat({ max: 2 }),
        unit: fc.constantFrom(...UNITS),
        table: fc.constantFrom<ModbusTable>('holding', 'input', 'coil', 'discrete'),
        address: fc.nat({ max: 100 }),
        count: fc.integer({ min: 1, max: 20 }),
        laterMs: fc.nat({ max: 3 }),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(read, { minLength: 2, maxLength: 24 }),
          fc.infiniteStream(fc.nat({ max: 3 })),
          async (reads, thinking) => {
            rig.answerMs = () => Number(thinking.next().value);
            const results = await Promise.all(
              reads.map(async ({ line, unit, table, address, count, laterMs }) => {
                await pass(laterMs);
                const request = { ...asked(unit, table, address, count), timeoutMs: 2000 };
                return { request, result: await lines[line]!.read(request) };
              }),
            );
            for (const { request, result } of results) {
              expect(outcome(result)).toEqual(expected(request));
            }
          },
        ),
        { numRuns: 25 },
      );
    });

    it('refuses more than it can serve, at once', async () => {
      const line = await opened();
      const reads = Array.from({ length: 80 }, () => line.read(asked(1, 'holding', 0, 1)));
      const kinds = (await Promise.all(reads)).map((result) =>
        result.ok ? 'ok' : outcome(result),
      );
      expect(kinds.filter((one) => one === 'ok').length).toBeGreaterThanOrEqual(60);
      expect(kinds.filter((one) => one === 'busy').length).toBeGreaterThanOrEqual(10);
    });

    it('cannot be opened where nothing is', async () => {
      await rig.unplug();
      const result = await rig.backend.open(rig.address);
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    });

    it('is not given to two with different settings', async () => {
      await opened();
      const other =
        rig.address.kind === 'rtu'
          ? { ...rig.address, baudRate: 9600 }
          : { ...rig.address, host: rig.address.host };
      const again = await rig.backend.open(other);
      if (again.ok) {
        open.push(again.value);
        expect(rig.address.kind).toBe('tcp');
        return;
      }
      expect(again.error.kind).toBe('busy');
      expect(again.error.message).toContain('38400 8E1');
      expect(again.error.message).toContain('9600 8E1');
    });

    it('is used by one until the last handle is closed', async () => {
      const first = await opened();
      const second = await opened();
      await first.close();
      await first.close();
      expect(outcome(await first.read(asked(1, 'holding', 0, 1)))).toBe('other');
      const request = asked(1, 'holding', 0, 1);
      expect(outcome(await second.read(request))).toEqual(expected(request));
    });

    it('ends what is under way when it is closed', async () => {
      const line = await opened();
      const reads = [1, 2, 3].map(() => line.read(asked(9, 'holding', 0, 1)));
      await line.close();
      for (const read of reads) expect(outcome(await read)).toBe('other');
    });

    it('comes back by itself 20 times, and leaks nothing', { timeout: 120_000 }, async () => {
      const line = await opened();
      const request = asked(2, 'input', 0, 4);
      const before = descriptors();
      for (let round = 0; round < 20; round++) {
        await rig.unplug();
        await vi.waitFor(async () => {
          const result = await line.read(request);
          expect(outcome(result)).toBe('absent');
          expect(result.ok ? '' : result.error.message).not.toBe('');
        }, PATIENT);
        await rig.replug();
        await vi.waitFor(async () => {
          expect(outcome(await line.read(request))).toEqual(expected(request));
        }, PATIENT);
      }
      await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before + 2), PATIENT);
    });

    describe.skipIf(kind.name === 'simulated')('with units that do wrong', () => {
      const request = asked(7, 'holding', 10, 3);

      async function tried(mischief: Mischief, times = Number.POSITIVE_INFINITY) {
        const line = await opened();
        let left = times;
        if (rig.units !== null) rig.units.mischief = () => (left-- > 0 ? mischief : null);
        const result = await line.read(request);
        return { outcome: outcome(result), said: result.ok ? '' : result.error.message, line };
      }

      it.each<[string, Mischief, HalErrorKind, RegExp]>([
        ['answers for another', { kind: 'wrongUnit', unit: 2 }, 'corrupt', /unit 2 .*unit 7/],
        ['answers something else', { kind: 'wrongFunction', functionCode: 4 }, 'corrupt', /unit 7/],
        ['sends too few', { kind: 'wrongCount', more: -1 }, 'corrupt', /unit 7/],
        ['sends too many', { kind: 'wrongCount', more: 2 }, 'corrupt', /unit 7/],
        ['counts its bytes wrong', { kind: 'miscount', byteCount: 2 }, 'corrupt', /unit 7/],
        ['cuts its answer', { kind: 'truncated', bytes: 6 }, 'corrupt', /6 bytes/],
        ['says nothing', { kind: 'silent' }, 'timeout', /unit 7 .*does not answer/],
        ['is busy', { kind: 'exception', code: 6 }, 'other', /exception 6 .*busy/],
      ])('says which unit %s', async (_what, mischief, wanted, words) => {
        const { outcome: got, said } = await tried(mischief);
        expect([got, said]).toEqual([wanted, expect.stringMatching(words)]);
      });

      it.skipIf(!kind.name.includes('terminal'))('knows an adapter that hears itself', async () => {
        const { outcome: got, said } = await tried({ kind: 'echo' });
        expect([got, said]).toEqual(['corrupt', expect.stringMatching(/request itself came back/)]);
      });

      it.each<[string, Mischief]>([
        ['for another', { kind: 'wrongUnit', unit: 2 }],
        ['cut', { kind: 'truncated', bytes: 6 }],
        ['not at all', { kind: 'silent' }],
      ])('asks once more when the answer came %s', async (_what, mischief) => {
        expect((await tried(mischief, 1)).outcome).toEqual(expected(request));
      });

      it.each<[string, Mischief]>([
        ['byte by byte', { kind: 'dribble', everyMs: 3 }],
        ['twice', { kind: 'twice' }],
      ])('understands answers that come %s', async (_what, mischief) => {
        const { outcome: got, line } = await tried(mischief);
        expect(got).toEqual(expected(request));
        const next = asked(7, 'holding', 40, 3);
        expect(outcome(await line.read(next))).toEqual(expected(next));
      });

      it('never takes a late answer for the next one', { timeout: 60_000 }, async () => {
        const line = await opened();
        let late = 0;
        let asks = 0;
        if (rig.units !== null) {
          rig.units.mischief = () =>
            asks++ % 3 === 0 ? { kind: 'late', ms: TIMEOUT_MS + (late++ % 7) * 18 } : null;
        }
        for (let round = 0; round < 24; round++) {
          const next = asked(7, 'holding', round, 3);
          const got = outcome(await line.read(next));
          if (got !== 'timeout') expect(got).toEqual(expected(next));
        }
        expect(late).toBeGreaterThan(5);
      });

      it('never delivers a wrong value, whatever goes wrong', { timeout: 120_000 }, async () => {
        const line = await opened();
        const mischief = fc.oneof(
          { weight: 4, arbitrary: fc.constant<Mischief | null>(null) },
          fc.constant<Mischief>({ kind: 'silent' }),
          fc.constant<Mischief>({ kind: 'twice' }),
          fc.constant<Mischief>({ kind: 'wrongCrc' }),
          fc.constantFrom(...UNITS).map((unit): Mischief => ({ kind: 'wrongUnit', unit })),
          fc.nat({ max: 9 }).map((bytes): Mischief => ({ kind: 'truncated', bytes })),
          fc.constantFrom(-1, 1).map((more): Mischief => ({ kind: 'wrongCount', more })),
          fc.nat({ max: 8 }).map((byteCount): Mischief => ({ kind: 'miscount', byteCount })),
          fc.nat({ max: 80 }).map((ms): Mischief => ({ kind: 'late', ms })),
        );
        const reads = fc.array(
          fc.record({ unit: fc.constantFrom(...UNITS), address: fc.nat({ max: 99 }), mischief }),
          { minLength: 1, maxLength: 6 },
        );
        await fc.assert(
          fc.asyncProperty(reads, async (many) => {
            const planned = [...many];
            if (rig.units !== null) rig.units.mischief = () => planned.shift()?.mischief ?? null;
            await Promise.all(
              many.map(async ({ unit, address }) => {
                const next = { ...asked(unit, 'input', address, 2), timeoutMs: 50 };
                const result = await line.read(next);
                if (result.ok) expect([...result.value]).toEqual(expected(next));
              }),
            );
          }),
          { numRuns: 25 },
        );
      });
    });
  });
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
