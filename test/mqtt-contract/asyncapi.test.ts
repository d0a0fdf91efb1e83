import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { addressOf, CONTRACT } from '../../scripts/contract-table.ts';
import { COMMAND_NAMES } from '../../src/uplink/command-parse.ts';
import { LANES } from '../../src/domain/event.ts';
import { topicsOf } from '../../src/uplink/payload.ts';
import { Validators } from './validators.ts';

const FILE = join(import.meta.dirname, '../../docs/contract/asyncapi.yaml');

interface Ref {
  readonly $ref: string;
}
interface Document {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly channels: Record<
    string,
    {
      readonly address: string;
      readonly parameters?: Record<string, unknown>;
      readonly messages: Record<string, Ref>;
    }
  >;
  readonly operations: Record<
    string,
    {
      readonly action: string;
      readonly channel: Ref;
      readonly messages: readonly Ref[];
      readonly bindings: { readonly mqtt: { readonly qos: number; readonly retain: boolean } };
    }
  >;
  readonly components: {
    readonly messages: Record<
      string,
      {
        readonly payload: { readonly schema: Ref };
        readonly examples: readonly { readonly payload: unknown }[];
      }
    >;
  };
}

const document = parse(readFileSync(FILE, 'utf8')) as Document;

/** What a JSON pointer leads to; undefined where it leads nowhere. */
function follow(ref: string): unknown {
  if (!ref.startsWith('#/')) {
    const file = join(dirname(FILE), ref);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  }
  let at: unknown = document;
  for (const part of ref.slice(2).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  return at;
}

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner),
  );
}

describe('the AsyncAPI document', () => {
  it('is of version 3 and says what it describes', () => {
    expect(document.asyncapi).toBe('3.0.0');
    expect(document.info).toMatchObject({ title: 'EmberEye edge', version: '1.0.0' });
  });

  it('refers to nothing that is not there', () => {
    const refs = [...new Set(refsIn(document))];
    expect(refs.length).toBeGreaterThan(CONTRACT.length * 3);
    expect(refs.filter((ref) => follow(ref) === undefined)).toEqual([]);
  });

  it('has a channel for every topic that the code knows', () => {
    const addresses = Object.values(document.channels).map(({ address }) => address);
    const made = Object.values(topicsOf('root')).flatMap((topic: unknown) => {
      if (typeof topic === 'string') return topic === 'root' ? [] : [topic];
      return [];
    });
    const topics = topicsOf('root');
    const { commands } = topics;
    // A new kind of topic has to be thought of here.
    const functions = Object.entries(topics).filter(([, one]) => typeof one === 'function');
    expect(functions.map(([name]) => name).sort()).toEqual(['event', 'telemetry']);
    const expected = [
      ...made.filter((topic) => topic !== commands),
      ...LANES.map((lane) => topics.event(lane)),
      topics.telemetry('sensor'),
      ...COMMAND_NAMES.map((name) => commands.replace('+', name)),
    ].map(addressOf);
    expect(expected.filter((address) => !addresses.includes(address))).toEqual([]);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('names the parameters of every address', () => {
    for (const { address, parameters = {} } of Object.values(document.channels)) {
      const named = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(parameters), address).toEqual(named);
    }
  });

  it('has one operation a channel, with its QoS and retain', () => {
    const of = Object.values(document.operations).map((one) => one.channel.$ref);
    expect(of.sort()).toEqual(
      Object.keys(document.channels)
        .map((n) => `#/channels/${n}`)
        .sort(),
    );
    for (const { action, channel, messages, bindings } of Object.values(document.operations)) {
      const row = CONTRACT.find(({ name }) => channel.$ref === `#/channels/${name}`);
      expect(action).toBe(row?.action);
      expect(bindings.mqtt).toMatchObject({ qos: 1, retain: row?.retained });
      // In version 3 an operation names messages of its channel, not of the components.
      for (const { $ref } of messages) expect($ref).toContain(`${channel.$ref}/messages/`);
    }
  });

  it('shows examples of every message, and they fit their schemas', () => {
    const validators = new Validators();
    for (const [name, { examples }] of Object.entries(document.components.messages)) {
      expect(examples.length, name).toBeGreaterThan(0);
      const problems = examples.flatMap(({ payload }) => validators.problems(name, payload));
      expect(problems).toEqual([]);
    }
  });
});
