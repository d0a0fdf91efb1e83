import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idFromName, isId } from '../../src/domain/units.ts';
import {
  birthPayload,
  defaultRoot,
  eventMessage,
  gapMessage,
  isTopicRoot,
  offlinePayload,
  responseMessage,
  stateMessage,
  statusMessage,
  telemetryMessage,
  topicsOf,
} from '../../src/uplink/payload.ts';
import { SNAPSHOT } from './bench.ts';
import { ALL_LANES, EventMaker, telemetryRow } from './memory-journal.ts';

const topics = topicsOf(defaultRoot('unit-1'));
const identity = { deviceId: 'unit-1', bootId: 'b' };

describe('topics', () => {
  it('are the published ones', () => {
    expect(topics.status).toBe('embereye/v1/unit-1/status');
    expect(topics.event('alarm')).toBe('embereye/v1/unit-1/event/alarm');
    expect(topics.telemetry('west_2')).toBe('embereye/v1/unit-1/telemetry/west_2');
    expect(topics.commands).toBe('embereye/v1/unit-1/command/+');
  });

  it.each(['', 'a//b', '/a', 'a/', 'a/+', 'a/#', 'a b', 'PR.04', 'ü', 'x'.repeat(65), '$SYS'])(
    'refuses the root %j',
    (root) => {
      expect(isTopicRoot(root)).toBe(false);
      expect(() => topicsOf(root)).toThrow(RangeError);
    },
  );

  it('refuses a root longer than its limit', () => {
    expect(isTopicRoot(Array.from({ length: 50 }, () => 'abcd').join('/'))).toBe(false);
  });

  it('accepts every default root, and only harmless characters get through', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(isTopicRoot(defaultRoot(idFromName(name)))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (root) => {
        if (isTopicRoot(root)) expect(root).toMatch(/^[A-Za-z0-9_/-]+$/);
      }),
    );
  });
});

describe('payloads', () => {
  it("carry each lane's event unchanged", () => {
    const make = new EventMaker();
    for (const lane of ALL_LANES) {
      const event = make.make(lane);
      const message = eventMessage(topics, event, false);
      expect(message.topic).toBe(topics.event(lane));
      expect(message.retain).toBe(false);
      expect(JSON.parse(message.payload)).toEqual(event);
    }
  });

  it('round-trip any text and number of an event', () => {
    const base = new EventMaker().make('system');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (reason, seq) => {
        const event = { ...base, seq, data: { reason } } as typeof base;
        const parsed: unknown = JSON.parse(eventMessage(topics, event, true).payload);
        expect(parsed).toEqual({ ...event, historical: true });
      }),
    );
  });

  it('name the sensor in the topic, and refuse one that is no id', () => {
    const row = { ...telemetryRow('west', 21.5), row: 7 };
    const message = telemetryMessage(topics, identity, row, false);
    expect(message?.topic).toBe(topics.telemetry('west'));
    expect(JSON.parse(message?.payload ?? '')).toEqual({ schema: 1, deviceId: 'unit-1', ...row });
    fc.assert(
      fc.property(fc.string(), (sensor) => {
        const made = telemetryMessage(topics, identity, { ...row, sensor }, true);
        expect(made === null).toBe(!isId(sensor));
      }),
    );
  });

  it('say who is there, who is gone, and which connection it was', () => {
    const birth = { version: '1', configHash: 'h', capabilities: ['reset'] };
    const online = statusMessage(topics, birthPayload(identity, 3, birth, 'T'));
    expect(online.retain).toBe(true);
    expect(JSON.parse(online.payload)).toEqual({
      schema: 1,
      deviceId: 'unit-1',
      bootId: 'b',
      connection: 3,
      status: 'online',
      wall: 'T',
      ...birth,
    });
    expect(offlinePayload(identity, 3, 'connection lost')).toEqual({
      schema: 1,
      deviceId: 'unit-1',
      bootId: 'b',
      connection: 3,
      status: 'offline',
      reason: 'connection lost',
    });
  });

  it('hold the whole snapshot, retained', () => {
    const message = stateMessage(topics, identity, { wall: 'T', monotonicMs: 5 }, SNAPSHOT);
    expect(message.retain).toBe(true);
    expect(JSON.parse(message.payload)).toEqual({
      schema: 1,
      ...identity,
      wall: 'T',
      monotonicMs: 5,
      ...SNAPSHOT,
    });
  });

  it('account for what was dropped', () => {
    const gap = { id: 1, lane: 'telemetry', firstSeq: 2, lastSeq: 9, reason: 'thinned' } as const;
    const message = gapMessage(topics, identity, gap);
    expect(message.topic).toBe(topics.gap);
    expect(JSON.parse(message.payload)).toEqual({ schema: 1, deviceId: 'unit-1', ...gap });
  });

  it('answer with the correlation of the question', () => {
    const outcome = { requestId: 'r', ok: true, detail: 'done' } as const;
    const correlation = new Uint8Array([1, 2]);
    const message = responseMessage(topics.response, identity, 'reset', outcome, correlation);
    expect(message.correlation).toBe(correlation);
    expect(JSON.parse(message.payload)).toMatchObject({
      command: 'reset',
      requestId: 'r',
      ok: true,
    });
    expect(responseMessage('t', identity, 'reset', outcome, null)).not.toHaveProperty(
      'correlation',
    );
  });
});
