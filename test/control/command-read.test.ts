import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMAND_KINDS } from '../../src/domain/command.ts';
import { COMMAND_FIELDS, readCommand } from '../../src/domain/command-read.ts';
import { CONTROL_VERSION, LineReader, parseRequest } from '../../src/control/protocol.ts';
import { CommandDesk } from '../../src/uplink/command-desk.ts';
import type { RefusedAttempt } from '../../src/uplink/command-desk.ts';
import { KeyRing } from '../../src/uplink/command-keys.ts';
import { CommandMemory } from '../../src/uplink/command-memory.ts';
import { parseCommand } from '../../src/uplink/command-parse.ts';
import { newCounters } from '../../src/uplink/counters.ts';
import { topicsOf } from '../../src/uplink/payload.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../../src/uplink/uplink.ts';
import { silentLog } from '../../src/log.ts';
import { ManualClock } from '../hal/manual-clock.ts';

const HOUR_MS = 3_600_000;

/** Fields that make each command, and what they make. */
const GOOD: readonly (readonly [string, object, object])[] = [
  ['silence', {}, {}],
  ['sound', {}, {}],
  ['endMaintenance', {}, {}],
  ['acknowledge', {}, { zone: 'all' }],
  ['acknowledge', { zone: 'hall' }, { zone: 'hall' }],
  ['reset', { zone: 'all' }, { zone: 'all' }],
  ['prove', {}, { zone: 'all' }],
  ['prove', { zone: 'hall' }, { zone: 'hall' }],
  ['confirmProof', { proof: 'proof-1' }, { proof: 'proof-1' }],
  ['disable', { zone: 'hall', forSeconds: 60 }, { zone: 'hall', forMs: 60_000 }],
  ['test', { zone: 'hall', forSeconds: 1.5 }, { zone: 'hall', forMs: 1_500 }],
  ['enable', { zone: 'hall' }, { zone: 'hall' }],
  ['disableSensor', { sensor: 'a', forSeconds: 60 }, { sensor: 'a', forMs: 60_000 }],
  ['enableSensor', { sensor: 'a' }, { sensor: 'a' }],
  ['approveBackground', { sensor: 'a' }, { sensor: 'a' }],
  ['disableOutput', { output: 'horn', forSeconds: 60 }, { output: 'horn', forMs: 60_000 }],
  ['enableOutput', { output: 'horn' }, { output: 'horn' }],
  ['maintenance', { forSeconds: 3600 }, { forMs: HOUR_MS }],
];

describe('reading a command', () => {
  it.each(GOOD)('%s with %j', (name, fields, rest) => {
    expect(readCommand(name, { ...fields })).toEqual({ kind: name, ...rest });
    const payload = Buffer.from(JSON.stringify({ ...fields, actor: 'anna' }));
    const message = { name, payload, retained: false, expirySeconds: null };
    const overMqtt = parseCommand(message, { wallMs: null });
    expect(overMqtt).toMatchObject({ ok: true, actor: 'anna', command: { kind: name, ...rest } });
    const line = JSON.stringify({ version: CONTROL_VERSION, name, ...fields });
    expect(parseRequest(line)).toMatchObject({ ok: true, command: { kind: name, ...rest } });
  });

  it('every kind has its example here', () => {
    const shown = new Set(GOOD.map(([name]) => name));
    expect(COMMAND_KINDS.filter((kind) => !shown.has(kind))).toEqual([]);
  });

  it.each([
    ['reboot', {}, 'unknownCommand', 'known are'],
    ['toString', {}, 'unknownCommand', 'known are'],
    ['disableSensor', { forSeconds: 1 }, 'badArgument', '"sensor"'],
    ['disableSensor', { sensor: 'A B', forSeconds: 1 }, 'badArgument', '"sensor"'],
    ['disableSensor', { sensor: 'a' }, 'badArgument', '"forSeconds"'],
    ['disableOutput', { output: 7, forSeconds: 1 }, 'badArgument', '"output"'],
    ['disableOutput', { output: 'horn', forSeconds: 1e9 }, 'badArgument', '"forSeconds"'],
    ['enableOutput', {}, 'badArgument', '"output"'],
    ['maintenance', {}, 'badArgument', '"forSeconds"'],
    ['maintenance', { forSeconds: '1h' }, 'badArgument', '"forSeconds"'],
    ['approveBackground', {}, 'badArgument', '"sensor"'],
    ['prove', { zone: 7 }, 'badArgument', '"zone"'],
    ['confirmProof', {}, 'badArgument', '"proof"'],
  ])('%s with %j is refused with its reason', (name, fields, error, word) => {
    const read = readCommand(name, fields);
    expect(read).toMatchObject({ error });
    expect('detail' in read && read.detail).toContain(word);
  });

  it('never throws, whatever the fields hold', () => {
    const fields = fc.dictionary(fc.constantFrom(...COMMAND_FIELDS), fc.anything());
    const names = fc.oneof(fc.constantFrom<string>(...COMMAND_KINDS), fc.string());
    fc.assert(
      fc.property(names, fields, (name, some) => {
        const read = readCommand(name, some);
        if ('error' in read) expect(read.detail).not.toBe('');
        else expect(COMMAND_KINDS).toContain(read.kind);
      }),
    );
  });
});

describe('a request on the control socket', () => {
  const request = (more: object) => JSON.stringify({ version: CONTROL_VERSION, ...more });

  it('may ask for the state', () => {
    const parsed = parseRequest(request({ name: 'status', requestId: 'r', user: 'anna' }));
    expect(parsed).toEqual({ ok: true, requestId: 'r', user: 'anna', command: null });
  });

  it.each([
    ['no JSON', '{', 'one JSON object'],
    ['a list', '[]', 'one JSON object'],
    ['another version', '{"version":2,"name":"status"}', '"version" must be 1'],
    ['no version', '{"name":"status"}', '"version" must be 1'],
    ['no name', request({}), '"name"'],
    ['a wrong id', request({ name: 'status', requestId: 'a b' }), '"requestId"'],
    ['a wrong user', request({ name: 'status', user: 7 }), '"user"'],
    ['an unknown field', request({ name: 'silence', zoen: 'x' }), 'unknown field "zoen"'],
    ['an unknown command', request({ name: 'reboot' }), 'no such command'],
  ])('with %s is refused with its reason', (_, line, why) => {
    const parsed = parseRequest(line);
    expect(parsed.ok ? '' : parsed.detail).toContain(why);
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        const parsed = parseRequest(line);
        if (!parsed.ok) expect(parsed.detail).not.toBe('');
      }),
    );
  });

  it('is the same however its bytes are cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    const texts = fc.array(fc.string({ maxLength: 30 }).filter((text) => !/[\r\n]/.test(text)));
    fc.assert(
      fc.property(texts, cuts, (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const reader = new LineReader(4096);
        const read: string[] = [];
        let at = 0;
        for (let i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          reader.push(bytes.subarray(at, at + size));
          at += size;
          for (let next = reader.next(); next !== null; next = reader.next()) {
            if (next !== 'tooLong') read.push(next.line);
          }
        }
        expect(read).toEqual(lines.map((line) => Buffer.from(line).toString()));
      }),
    );
  });

  it('that is too long is told, with and without its end', () => {
    const open = new LineReader(10);
    open.push(Buffer.alloc(11, 'x'));
    expect(open.next()).toBe('tooLong');
    const whole = new LineReader(10);
    whole.push(Buffer.from(`${'x'.repeat(11)}\n`));
    expect(whole.next()).toBe('tooLong');
    const fits = new LineReader(10);
    fits.push(Buffer.from(`${'x'.repeat(10)}\n`));
    expect(fits.next()).toEqual({ line: 'x'.repeat(10) });
  });
});

describe('attempts over MQTT that never reach the panel', () => {
  it('are told with who, what and why', async () => {
    const refused: RefusedAttempt[] = [];
    const clock = new ManualClock();
    const desk = new CommandDesk(
      { ...DEFAULT_UPLINK_OPTIONS.commands, maxPending: 1, submitTimeoutMs: 1_000 },
      {
        clock,
        broker: 'central',
        memory: new CommandMemory(clock),
        keys: new KeyRing([], clock, () => undefined),
        services: { snapshot: () => undefined, configure: null, update: null },
        log: silentLog,
        counters: newCounters(),
        topics: topicsOf('root'),
        identity: { deviceId: 'unit', bootId: 'boot' },
        isClockRight: () => false,
        submit: ({ requestId }) => Promise.resolve({ requestId, ok: true, detail: 'done' }),
        publish: () => Promise.resolve({ kind: 'acknowledged' }),
        onRefused: (attempt) => void refused.push(attempt),
      },
    );
    const send = (name: string, fields: object, retained = false) =>
      desk.handle(name, {
        topic: `root/command/${name}`,
        payload: Buffer.from(JSON.stringify(fields)),
        retained,
        expirySeconds: null,
        responseTopic: null,
        correlation: null,
      });
    await send('reboot', { actor: 'eve', requestId: 'r1' });
    await send('silence', { actor: 'eve', requestId: 'r2' }, true);
    await send('silence', { actor: 'anna', requestId: 'r3' });
    await send('sound', { actor: 'anna', requestId: 'r3' });
    expect(refused).toMatchObject([
      { origin: 'mqtt:eve', requestId: 'r1', command: 'reboot', error: 'unknownCommand' },
      { origin: 'mqtt:eve', requestId: 'r2', command: 'silence', error: 'stale' },
      { origin: 'mqtt:anna', requestId: 'r3', command: 'sound', error: 'badArgument' },
    ]);
  });
});
