import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandOutcome } from '../../src/domain/command.ts';
import { COMMAND_NAMES, parseCommand } from '../../src/uplink/command-parse.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../../src/uplink/uplink.ts';
import { Bench, ROOT } from './bench.ts';

const WALL_MS = Date.UTC(2026, 0, 1);
const parse = (
  name: string,
  body: unknown,
  extra: { retained?: boolean; expirySeconds?: number } = {},
) =>
  parseCommand(
    {
      name,
      payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      retained: extra.retained ?? false,
      expirySeconds: extra.expirySeconds ?? null,
    },
    { wallMs: WALL_MS },
  );

describe('reading a command', () => {
  it.each([
    ['acknowledge', {}, { kind: 'acknowledge', zone: 'all' }],
    ['acknowledge', { zone: 'kitchen' }, { kind: 'acknowledge', zone: 'kitchen' }],
    ['silence', {}, { kind: 'silence' }],
    ['reset', { zone: 'all' }, { kind: 'reset', zone: 'all' }],
    ['disable', { zone: 'k', forSeconds: 1.5 }, { kind: 'disable', zone: 'k', forMs: 1500 }],
    ['enable', { zone: 'k' }, { kind: 'enable', zone: 'k' }],
    ['test', { zone: 'k', forSeconds: 60 }, { kind: 'test', zone: 'k', forMs: 60_000 }],
  ])('takes %s %j', (name, body, command) => {
    expect(parse(name, body)).toMatchObject({ ok: true, command });
  });

  it('takes an empty payload as a command without fields', () => {
    expect(parse('silence', '')).toMatchObject({ ok: true, requestId: null });
  });

  it.each([
    ['reboot', {}, 'unknownCommand'],
    ['toString', {}, 'unknownCommand'],
    ['reset', { zone: 'a b' }, 'badArgument'],
    ['reset', { zone: 7 }, 'badArgument'],
    ['reset', { zoen: 'kitchen' }, 'badArgument'],
    ['enable', {}, 'badArgument'],
    ['disable', { zone: 'k' }, 'badArgument'],
    ['disable', { zone: 'k', forSeconds: -1 }, 'badArgument'],
    ['disable', { zone: 'k', forSeconds: 1e9 }, 'badArgument'],
    ['test', { zone: 'k', forSeconds: '60' }, 'badArgument'],
    ['reset', [], 'badArgument'],
    ['reset', 'null', 'badArgument'],
    ['reset', '{"requestId":', 'badArgument'],
    ['reset', { requestId: 'a\nb' }, 'badArgument'],
    ['reset', { requestId: 'x'.repeat(65) }, 'badArgument'],
    ['reset', { actor: {} }, 'badArgument'],
    ['reset', { expiresInSeconds: 0 }, 'badArgument'],
    ['reset', { issuedAt: 'yesterday' }, 'badArgument'],
    ['reset', '['.repeat(100_000), 'badArgument'],
    ['reset', { issuedAt: '2025-12-31T23:59:00Z' }, 'stale'],
    ['reset', { issuedAt: '2025-12-31T23:59:50Z', expiresInSeconds: 5 }, 'stale'],
    ['reset', { issuedAt: '2026-01-01T00:10:00Z' }, 'stale'],
  ])('refuses %s with a clear answer', (name, body, error) => {
    const parsed = parse(name, body);
    expect(parsed).toMatchObject({ ok: false, error });
    if (!parsed.ok) expect(parsed.detail.length).toBeGreaterThan(10);
  });

  it('accepts what is still fresh', () => {
    expect(parse('reset', { issuedAt: '2025-12-31T23:59:40Z' })).toMatchObject({ ok: true });
    const long = { issuedAt: '2025-12-31T23:59:00Z', expiresInSeconds: 90 };
    expect(parse('reset', long)).toMatchObject({ ok: true });
  });

  it('refuses retained and expired messages', () => {
    expect(parse('reset', {}, { retained: true })).toMatchObject({ error: 'stale' });
    expect(parse('reset', {}, { expirySeconds: 0 })).toMatchObject({ error: 'stale' });
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...COMMAND_NAMES), fc.string()),
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
          fc
            .record(
              { requestId: fc.anything(), zone: fc.anything(), forSeconds: fc.anything() },
              { requiredKeys: [] },
            )
            .map((body) => Buffer.from(safeJson(body))),
        ),
        (name, payload) => {
          const message = { name, payload, retained: false, expirySeconds: null };
          const parsed = parseCommand(message, { wallMs: WALL_MS });
          if (parsed.ok) expect(COMMAND_NAMES).toContain(parsed.command.kind);
          else expect(parsed.detail).not.toBe('');
        },
      ),
    );
  });
});

function safeJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? null : part));
}

const send = (bench: Bench, name: string, body: object, extra = {}): void =>
  bench.broker.publish(`${ROOT}/command/${name}`, JSON.stringify(body), extra);

async function started(): Promise<Bench> {
  const bench = new Bench();
  bench.uplink.start();
  await bench.clock.advance(100);
  return bench;
}

describe('the command desk', () => {
  it('hands a command on with its origin and answers with id and correlation', async () => {
    const bench = await started();
    const correlation = Buffer.from([7, 8, 9]);
    send(
      bench,
      'reset',
      { requestId: 'r-1', zone: 'kitchen', actor: 'central-1' },
      { correlation },
    );
    await bench.clock.advance(100);
    expect(bench.submitted).toEqual([
      {
        command: { kind: 'reset', zone: 'kitchen' },
        requestId: 'r-1',
        origin: 'mqtt:central-1',
        level: 'operator',
      },
    ]);
    expect(bench.taken('response')).toMatchObject([
      { requestId: 'r-1', ok: true, command: 'reset', detail: 'done' },
    ]);
    const response = bench.broker.accepted.find(({ topic }) => topic === `${ROOT}/response`);
    expect(response?.correlation).toEqual(correlation);
  });

  it('carries a repeated request out once and answers it each time', async () => {
    const bench = await started();
    for (let round = 0; round < 3; round += 1) {
      send(bench, 'reset', { requestId: 'same' });
      await bench.clock.advance(10);
    }
    expect(bench.submitted).toHaveLength(1);
    expect(bench.taken('response')).toHaveLength(3);
    send(bench, 'silence', { requestId: 'same' });
    await bench.clock.advance(10);
    expect(bench.submitted).toHaveLength(1);
    expect(bench.taken('response').at(-1)).toMatchObject({ ok: false, error: 'badArgument' });
  });

  it('treats equal correlation data without a request id as a repeat too', async () => {
    const bench = await started();
    const correlation = Buffer.from('abc');
    send(bench, 'reset', {}, { correlation });
    send(bench, 'reset', {}, { correlation });
    send(bench, 'reset', {}, { correlation: Buffer.from('def') });
    await bench.clock.advance(10);
    expect(bench.submitted).toHaveLength(2);
    expect(bench.taken('response')).toHaveLength(3);
  });

  it('answers elsewhere only where that is allowed', async () => {
    const responseTopics = ['central/answers'];
    const commands = { ...DEFAULT_UPLINK_OPTIONS.commands, responseTopics };
    const bench = new Bench({ commands });
    bench.uplink.start();
    await bench.clock.advance(100);
    send(bench, 'reset', { requestId: 'a' }, { responseTopic: 'central/answers' });
    send(bench, 'reset', { requestId: 'b' }, { responseTopic: 'victim/topic' });
    await bench.clock.advance(10);
    const topics = bench.broker.accepted.map(({ topic }) => topic);
    expect(topics).toContain('central/answers');
    expect(topics).not.toContain('victim/topic');
    expect(bench.taken('response')).toMatchObject([{ requestId: 'b' }]);
  });

  it('does not carry out a stored command at a connect', async () => {
    const bench = new Bench();
    bench.broker.publish(`${ROOT}/command/reset`, '{"requestId":"old"}', { retain: true });
    bench.uplink.start();
    await bench.clock.advance(1000);
    expect(bench.submitted).toEqual([]);
  });

  it('answers when the panel is slow or fails, and gives the true answer later', async () => {
    const bench = await started();
    let finish: (outcome: CommandOutcome) => void = () => undefined;
    bench.answer = () => new Promise((resolve) => (finish = resolve));
    send(bench, 'reset', { requestId: 'slow' });
    await bench.clock.advance(5100);
    expect(bench.taken('response')).toMatchObject([{ requestId: 'slow', error: 'overloaded' }]);
    finish({ requestId: 'slow', ok: true, detail: 'done at last' });
    send(bench, 'reset', { requestId: 'slow' });
    await bench.clock.advance(10);
    expect(bench.taken('response').at(-1)).toMatchObject({ ok: true, detail: 'done at last' });
    bench.answer = () => Promise.reject(new Error('secret inner detail'));
    send(bench, 'reset', { requestId: 'bad' });
    await bench.clock.advance(10);
    expect(bench.taken('response').at(-1)).toMatchObject({ requestId: 'bad', error: 'overloaded' });
    expect(JSON.stringify(bench.taken('response'))).not.toContain('secret');
  });

  it('bounds the commands under way and the memory of past ones', async () => {
    const bench = await started();
    bench.answer = () => new Promise(() => undefined);
    for (let i = 0; i < 20; i += 1) send(bench, 'reset', { requestId: `p-${i}` });
    await bench.clock.advance(10);
    expect(bench.submitted).toHaveLength(16);
    expect(bench.taken('response')).toHaveLength(4);
    expect(bench.uplink.counters.commandsRefused).toBe(4);
    const other = await started();
    // As fast as is allowed for ever, for longer than anything is remembered.
    for (let i = 0; i < 600; i += 1) {
      send(other, 'reset', { requestId: `q-${i}` });
      await other.clock.advance(100);
    }
    expect(other.submitted).toHaveLength(600);
    expect(other.taken('response')).toHaveLength(600);
  });
});
