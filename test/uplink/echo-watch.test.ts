import { describe, expect, it } from 'vitest';
import { EchoWatch } from '../../src/uplink/echo-watch.ts';
import { VirtualClock } from './virtual-clock.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an echo', () => {
  it('counts when it comes before the acknowledgement', async () => {
    const clock = new VirtualClock();
    let again = 0;
    const watch = new EchoWatch(
      { echoWithinMs: 5000, echoCheckMs: 300_000 },
      {
        ...{ clock, topic: 't', log: () => undefined, onTrouble: () => undefined },
        subscribe: () => Promise.resolve({ kind: 'subscribed' }),
        publishAgain: () => (again += 1),
      },
    );
    watch.sent('one');
    watch.connected();
    watch.heard(bytes('one'), true);
    watch.acknowledged();
    await clock.advance(60_000);
    watch.sent('two');
    watch.heard(bytes('two'), false);
    watch.acknowledged();
    await clock.advance(60_000);
    expect(again).toBe(0);
    watch.sent('three');
    watch.acknowledged();
    await clock.advance(6000);
    expect(again).toBe(1);
  });
});
