/**
 * A runtime reduced to its holder client, in a process that can be killed. Argument: path of the
 * socket. One JSON order per line on standard input, one JSON answer per line on standard output.
 */
import { fstatSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { HolderClient } from '../../src/hal/holder/client.ts';
import { loadLibc } from '../../src/hal/native/libc.ts';
import type { HalResult } from '../../src/hal/ports.ts';

export type Order =
  | { readonly do: 'keep'; readonly key: string; readonly path: string }
  | {
      readonly do: 'keepFile';
      readonly key: string;
      readonly path: string;
      readonly write: string | null;
    }
  | { readonly do: 'take'; readonly key: string; readonly write: string }
  | { readonly do: 'settled' }
  | { readonly do: 'beat' };

export interface Said {
  readonly ok: boolean;
  readonly error?: string;
  /** Of the file behind a descriptor that was taken. */
  readonly inode?: number | null;
}

const [path = ''] = process.argv.slice(2);
const libc = await loadLibc();
if (!libc.ok) throw libc.error;
const client = HolderClient.connect({
  path,
  libc: libc.value,
  clock: systemClock(),
  random: systemRandom(),
  start: null,
});

function said(result: HalResult<unknown>, more: Partial<Said> = {}): Said {
  return result.ok ? { ok: true, ...more } : { ok: false, error: result.error.message };
}

function obey(order: Order): Said {
  switch (order.do) {
    case 'keep': {
      const descriptor = openSync(order.path, 'r+');
      return said(client.keeper.keep(order.key, descriptor, { set: null }));
    }
    case 'keepFile':
      return said(client.keeper.keepFile(order.key, order.path, { write: order.write }));
    case 'take': {
      const taken = client.keeper.take(order.key);
      if (!taken.ok || taken.value === null) return said(taken, { inode: null });
      writeSync(taken.value, order.write);
      return said(taken, { inode: fstatSync(taken.value).ino });
    }
    case 'settled':
      return said(client.settled());
    case 'beat':
      return said(client.beat());
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  writeSync(1, `${JSON.stringify(obey(JSON.parse(line) as Order))}\n`);
}
