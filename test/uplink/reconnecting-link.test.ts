import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinkState } from '../../src/uplink/link.ts';
import {
  DEFAULT_LINK_OPTIONS,
  ReconnectingLink,
  retryDelayMs,
} from '../../src/uplink/reconnecting-link.ts';
import type { BrokerAnswer, SessionEvents, Transport } from '../../src/uplink/transport.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';

/** A transport in the hands of the test, which may break every promise of a good one. */
class Puppet implements Transport {
  readonly address = 'puppet://';
  readonly sessions: { events: SessionEvents; answers: ((answer: BrokerAnswer) => void)[] }[] = [];

  begin: Transport['begin'] = (_will, events) => {
    const answers: ((answer: BrokerAnswer) => void)[] = [];
    this.sessions.push({ events, answers });
    return {
      publish: (_message, answered) => answers.push(answered),
      subscribe: () => undefined,
      goodbye: () => undefined,
      destroy: () => undefined,
    };
  };
}

function opened(maxWaiting = 4) {
  const clock = new VirtualClock();
  const transport = new Puppet();
  const states: LinkState[] = [];
  const topics: string[] = [];
  const link = new ReconnectingLink(
    transport,
    { clock, random: seededRandom(1), log: () => undefined },
    { ...DEFAULT_LINK_OPTIONS, maxWaiting },
  );
  link.open({
    onState: (state) => states.push(state),
    onMessage: ({ topic }) => topics.push(topic),
    will: () => null,
  });
  return { clock, transport, states, topics, link };
}

const INFO = { protocol: 'p', receiveMaximum: 2 };
const END = { reason: 'gone', byPeer: true, retryAtOnce: false };
const MESSAGE = { topic: 't', payload: '', retain: false };

describe('a link over a rude transport', () => {
  it('does not listen to sessions that are over', async () => {
    const { clock, transport, states, topics } = opened();
    const first = transport.sessions[0]!;
    first.events.onOpen(INFO);
    first.events.onEnded(END);
    await clock.advance(1000);
    const second = transport.sessions[1]!;
    second.events.onOpen(INFO);
    first.events.onEnded(END);
    first.events.onOpen(INFO);
    first.events.onMessage({
      topic: 'stale',
      payload: new Uint8Array(),
      retained: false,
      responseTopic: null,
      correlation: null,
      expirySeconds: null,
    });
    expect(states.map(({ kind }) => kind)).toEqual(['connected', 'disconnected', 'connected']);
    expect(topics).toEqual([]);
  });

  it('takes one answer for a message, also when it gets two or a late one', async () => {
    const { clock, transport, link } = opened();
    const first = transport.sessions[0]!;
    first.events.onOpen(INFO);
    const results = [link.publish(MESSAGE), link.publish(MESSAGE), link.publish(MESSAGE)];
    expect(first.answers).toHaveLength(2);
    first.answers[0]!({ kind: 'acknowledged' });
    first.answers[0]!({ kind: 'rejected', reason: 'again' });
    expect(first.answers).toHaveLength(3);
    first.events.onEnded(END);
    first.answers[1]!({ kind: 'acknowledged' });
    await clock.advance(0);
    const kinds = (await Promise.all(results)).map(({ kind }) => kind);
    expect(kinds).toEqual(['acknowledged', 'connectionLost', 'connectionLost']);
  });

  it('refuses more than may wait, and never sends more than the broker takes', async () => {
    const { transport, link } = opened(4);
    const session = transport.sessions[0]!;
    session.events.onOpen(INFO);
    const results = Array.from({ length: 10 }, () => link.publish(MESSAGE));
    expect(session.answers).toHaveLength(2);
    for (let index = 0; index < 6; index += 1) session.answers[index]!({ kind: 'acknowledged' });
    const kinds = (await Promise.all(results)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'notSent')).toHaveLength(4);
    expect(kinds.filter((kind) => kind === 'acknowledged')).toHaveLength(6);
  });
});

describe('the wait between attempts', () => {
  it('doubles from its minimum, keeps to its maximum, and is spread over its upper half', () => {
    const limits = { retryMinMs: 500, retryMaxMs: 30_000 };
    const at = (failures: number): number => retryDelayMs(failures, limits, 0.999999);
    expect([0, 1, 2, 6].map(at)).toEqual([500, 1000, 2000, 30_000]);
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, chance) => {
        const waitMs = retryDelayMs(failures, limits, chance);
        expect(waitMs).toBeGreaterThanOrEqual(250);
        expect(waitMs).toBeLessThanOrEqual(30_000);
      }),
    );
    expect(retryDelayMs(3, limits, 0)).toBe(retryDelayMs(3, limits, 1) / 2);
  });
});
