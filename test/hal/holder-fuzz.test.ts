/** Whatever is done to the holder over its socket, it goes on, and loses and leaks nothing. */
import { closeSync, openSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { HolderClient } from '../../src/hal/holder/client.ts';
import type { Libc } from '../../src/hal/native/libc.ts';
import { eventually } from '../e2e/processes.ts';
import { HolderRig, realLibc } from './holder-rig.ts';

type Act =
  | { readonly do: 'bytes'; readonly bytes: Uint8Array; readonly descriptor: boolean }
  | { readonly do: 'part'; readonly text: string; readonly descriptor: boolean }
  | { readonly do: 'flood'; readonly text: string; readonly times: number }
  | { readonly do: 'connect' };

const strangeValue = fc.oneof(fc.jsonValue(), fc.constantFrom('siren', true, false, null, 1, '/'));
const almost = fc
  .record(
    {
      op: fc.constantFrom('hello', 'beat', 'keep', 'keepFile', 'onLoss', 'take', 'drop', 'settled'),
      // A whole number that is another one would end this holder, as it should.
      version: fc.constantFrom(1, 1.5, -1, 'x'),
      key: strangeValue,
      set: strangeValue,
      level: strangeValue,
      path: fc.oneof(strangeValue, fc.constantFrom('/dev/null', '/proc/self/mem', '/', '/tmp')),
      write: strangeValue,
    },
    { requiredKeys: ['op'] },
  )
  .map((fields) => JSON.stringify(fields));
const line = fc.oneof(
  almost,
  fc.json(),
  fc.string(),
  fc.constant('{"op":"hello","version":1}'),
  fc.constant('x'.repeat(5000)),
);

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant('bytes' as const),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    descriptor: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('bytes' as const),
    bytes: line.map((text) => Buffer.from(`${text}\n`)),
    descriptor: fc.boolean(),
  }),
  fc.record({ do: fc.constant('part' as const), text: line, descriptor: fc.boolean() }),
  fc.record({
    do: fc.constant('flood' as const),
    text: line,
    times: fc.integer({ min: 2, max: 400 }),
  }),
  fc.constant({ do: 'connect' } as const),
);

let libc: Libc;
let rig: HolderRig;
beforeAll(async () => {
  libc = await realLibc();
  rig = await HolderRig.start();
});
afterAll(() => rig.remove());

/** Does it, without reading a single reply. */
function misbehave(acts: readonly Act[], open: number): void {
  const sockets = [connected()];
  for (const each of acts) {
    if (each.do === 'connect') {
      if (sockets.length < 4) sockets.push(connected());
      continue;
    }
    const socket = sockets.at(-1) ?? -1;
    const bytes =
      each.do === 'bytes'
        ? each.bytes
        : Buffer.from(each.do === 'part' ? each.text : `${each.text}\n`);
    const times = each.do === 'flood' ? each.times : 1;
    for (let time = 0; time < times && bytes.length > 0; time++) {
      libc.send(socket, bytes, each.do !== 'flood' && each.descriptor ? open : null);
    }
  }
  for (const socket of sockets) closeSync(socket);
}

function connected(): number {
  const socket = libc.unixSocket(true);
  if (!socket.ok) throw new Error(socket.code);
  libc.connect(socket.value, rig.path);
  return socket.value;
}

/** A proper runtime of the same holder; ended with `end`. */
async function runtime(): Promise<HolderClient> {
  const client = HolderClient.connect({
    ...{ path: rig.path, libc, clock: systemClock(), random: systemRandom(), start: null },
  });
  await eventually(
    () => `the holder takes a proper runtime: ${rig.holder.err}`,
    () => client.trouble === null || client.lookAgain().ok,
  );
  return client;
}

describe('a holder under garbage', () => {
  it('keeps what it has for the next proper runtime, and not one descriptor more', async () => {
    const path = rig.file('line', '');
    const open = openSync(path, 'r+');
    const first = await runtime();
    expect(first.keeper.keep('precious', open, { set: null })).toMatchObject({ ok: true });
    const before = rig.descriptors();
    first.close();
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
        misbehave(acts, open);
        const client = await runtime();
        try {
          expect(rig.holder.running).toBe(true);
          const taken = client.keeper.take('precious');
          if (!taken.ok) throw taken.error;
          // Only a proper hello and its own words could have dropped or released it.
          if (taken.value === null) {
            expect(client.keeper.keep('precious', open, { set: null }).ok).toBe(true);
          } else {
            writeSync(taken.value, '.');
            closeSync(taken.value);
          }
          expect(client.settled().ok).toBe(true);
          expect(client.keeper.drop('nothing').ok).toBe(true);
          expect(rig.descriptors()).toBe(before);
        } finally {
          client.close();
        }
      }),
      { numRuns: 150 },
    );
    closeSync(open);
    expect(rig.read('line')).toMatch(/^\.{100,}$/);
  }, 120_000);
});
