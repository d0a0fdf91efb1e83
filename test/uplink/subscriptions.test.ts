/** A subscription that a broker refuses is told, and asked for until it holds. */
import { describe, expect, it } from 'vitest';
import type { SubscribeResult } from '../../src/uplink/link.ts';
import { Subscriptions } from '../../src/uplink/subscriptions.ts';
import { ManualClock } from '../hal/manual-clock.ts';

const WANTED = [
  { filter: 'r/command/+', retained: false },
  { filter: 'r/ack', retained: false },
];

function bench() {
  const clock = new ManualClock();
  const asked: string[] = [];
  const told: (string | null)[] = [];
  const refused = new Set<string>();
  const subscriptions = new Subscriptions({
    ...{ clock, log: () => undefined, retryMs: 30_000 },
    subscribe: (filter): Promise<SubscribeResult> => {
      asked.push(filter);
      return Promise.resolve(
        refused.has(filter) ? { kind: 'failed', reason: 'not authorised' } : { kind: 'subscribed' },
      );
    },
    onRefused: (detail) => void told.push(detail),
  });
  return { clock, asked, told, refused, subscriptions };
}

describe('subscriptions', () => {
  it('are asked for once where the broker grants them', async () => {
    const { clock, asked, told, subscriptions } = bench();
    subscriptions.connected(WANTED);
    await clock.run(120_000);
    expect([asked, told]).toEqual([['r/command/+', 'r/ack'], []]);
  });

  it('are told while they are refused, and asked for until they hold', async () => {
    const { clock, asked, told, refused, subscriptions } = bench();
    refused.add('r/ack');
    subscriptions.connected(WANTED);
    await clock.run(60_000);
    expect(told[0]).toMatch(/^the broker does not let us listen to r\/ack \(not authorised\)/);
    expect(asked.filter((filter) => filter === 'r/ack')).toHaveLength(3);
    refused.clear();
    await clock.run(30_000);
    expect(told.at(-1)).toBeNull();
    await clock.run(120_000);
    expect(asked.filter((filter) => filter === 'r/ack')).toHaveLength(4);
  });

  it('of an ended connection are not asked for any more', async () => {
    const { clock, asked, refused, subscriptions } = bench();
    refused.add('r/ack');
    subscriptions.connected(WANTED);
    await clock.run(1000);
    subscriptions.disconnected();
    await clock.run(120_000);
    expect(asked).toHaveLength(2);
  });
});
