import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_EXAMPLES } from '../../scripts/contract-events.ts';
import { contractExamples, exampleEvents } from '../../scripts/contract-examples.ts';
import { CONTRACT } from '../../scripts/contract-table.ts';
import { LANES } from '../../src/domain/event.ts';
import { parseCommand } from '../../src/uplink/command-parse.ts';
import { readAck } from '../../src/uplink/ack.ts';
import { publishedSchema, Validators } from './validators.ts';

const validators = new Validators();
const examples = contractExamples();

interface Branch {
  readonly properties: { readonly type: { readonly const: string } };
}

/** Paths and values of every object in a payload, itself included. */
function objectsIn(value: unknown, path = ''): [string, Record<string, unknown>][] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, one]) => objectsIn(one, `${path}/${key}`));
  return Array.isArray(value) ? inner : [[path, value as Record<string, unknown>], ...inner];
}

/** A payload with the field at `path` under another name. */
function renamed(payload: unknown, path: string, field: string): unknown {
  const copy = structuredClone(payload);
  const found = objectsIn(copy).find(([at]) => at === path)?.[1] ?? {};
  found[`${field}x`] = found[field];
  Reflect.deleteProperty(found, field);
  return copy;
}

describe('the published schemas', () => {
  it.each(CONTRACT)('$name: has examples, and they fit', ({ name }) => {
    const payloads = examples.get(name) ?? [];
    expect(payloads.length).toBeGreaterThan(0);
    expect(payloads.flatMap((payload) => validators.problems(name, payload))).toEqual([]);
  });

  it.each(CONTRACT)('$name: refuses a field that is renamed or new', ({ name }) => {
    const payloads = examples.get(name) ?? [];
    const fields = payloads.flatMap((payload) =>
      objectsIn(payload).flatMap(([path, object]) =>
        ['extra', ...Object.keys(object)].map((field) => ({ payload, path, field })),
      ),
    );
    expect(fields.length).toBeGreaterThan(0);
    const passed = fields.filter(
      ({ payload, path, field }) =>
        validators.problems(name, renamed(payload, path, field)).length === 0,
    );
    expect(passed.map(({ path, field }) => `${path}/${field}`)).toEqual([]);
  });

  it('have a branch for every type of event, and no other', () => {
    const branches = LANES.flatMap((lane) => {
      const channel = CONTRACT.find(({ name }) => name === `event-${lane}`);
      if (channel === undefined) return [];
      const { anyOf } = publishedSchema(channel) as { readonly anyOf: readonly Branch[] };
      return anyOf.map(({ properties }) => properties.type.const);
    });
    expect([...branches].sort()).toEqual(Object.keys(EVENT_EXAMPLES).sort());
  });

  it('take an event on its own lane only', () => {
    for (const event of exampleEvents()) {
      const fitting = LANES.filter(
        (lane) => validators.problems(`event-${lane}`, event).length === 0,
      );
      expect(fitting, event.type).toEqual([event.lane]);
    }
  });

  it('take any text, number and time that an event may hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
        fc.date({ noInvalidDate: true }),
        fc.constantFrom(...exampleEvents().filter(({ type }) => type === 'stopped')),
        (reason, monotonicMs, wall, event) => {
          const made = { ...event, monotonicMs, wall: wall.toISOString(), data: { reason } };
          const read: unknown = JSON.parse(JSON.stringify(made));
          expect(validators.problems('event-system', read)).toEqual([]);
        },
      ),
    );
  });

  it('have a description with the unit where a name ends in one', () => {
    const missing: string[] = [];
    const look = (name: string, value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const { description, type } = value as { description?: string; type?: unknown };
      const isNumber = JSON.stringify(type ?? '').includes('number');
      if (/(Ms|Seconds)$/.test(name) && isNumber && description?.includes('seconds') !== true) {
        missing.push(name);
      }
      for (const [key, inner] of Object.entries(value)) look(key, inner);
    };
    for (const channel of CONTRACT) look('', publishedSchema(channel));
    expect(missing).toEqual([]);
  });
});

describe('what the schemas let central servers send', () => {
  const commands = CONTRACT.filter(({ name }) => name.startsWith('command-'));

  it.each(commands)('$name: the appliance understands it', ({ name }) => {
    for (const payload of examples.get(name) ?? []) {
      const parsed = parseCommand(
        {
          name: name.replace('command-', ''),
          payload: Buffer.from(JSON.stringify(payload)),
          retained: false,
          expirySeconds: null,
        },
        { wallMs: Date.parse('2026-11-22T08:15:31.000Z') },
      );
      // What a signed example of another command holds is not judged here.
      const isOurs = !('signature' in (payload as object));
      expect(isOurs && !parsed.ok ? parsed : null, JSON.stringify(payload)).toBeNull();
    }
  });

  it('an ack is read as it is described', () => {
    for (const payload of examples.get('ack') ?? []) {
      expect(readAck({ payload: Buffer.from(JSON.stringify(payload)) })).toMatchObject({
        ok: true,
      });
    }
  });
});
