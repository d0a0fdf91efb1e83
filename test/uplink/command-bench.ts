/** A command desk on a table: keys in real files, a store in memory, a panel that says yes. */
import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { silentLog } from '../../src/log.ts';
import type { AccessLevel, CommandOutcome, CommandRequest } from '../../src/domain/command.ts';
import type { ConfigureRequest } from '../../src/domain/command-service.ts';
import type { KeyedStore, StoredKind } from '../../src/domain/ports.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { CommandOptions, RefusedAttempt } from '../../src/uplink/command-desk.ts';
import { CommandDesk } from '../../src/uplink/command-desk.ts';
import type { KeySource } from '../../src/uplink/command-keys.ts';
import { KeyRing } from '../../src/uplink/command-keys.ts';
import { CommandMemory } from '../../src/uplink/command-memory.ts';
import { signCommand } from '../../src/uplink/command-sign.ts';
import { newCounters } from '../../src/uplink/counters.ts';
import { topicsOf } from '../../src/uplink/payload.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../../src/uplink/uplink.ts';
import { ManualClock } from '../hal/manual-clock.ts';

export const ROOT = 'embereye/v1/unit';
export const SECRET = 'a secret of more than thirty-two bytes';
export const TOKEN_WORD = 'token-of-the-reader';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'ee-keys-'));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Keeps what it is given, as a database that is always well. */
export class Shelf implements KeyedStore {
  readonly kinds = new Map<StoredKind, Map<string, string>>();

  loadAll(kind: StoredKind): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map(this.kinds.get(kind)));
  }
  put(kind: StoredKind, key: string, value: string): void {
    const rows = this.kinds.get(kind) ?? new Map<string, string>();
    this.kinds.set(kind, rows.set(key, value));
  }
  remove(kind: StoredKind, key: string): void {
    this.kinds.get(kind)?.delete(key);
  }
}

/** The ways to sign of three senders, and their keys on the appliance. */
export class Senders {
  readonly folder = folder();
  readonly #centre = generateKeyPairSync('ed25519');
  readonly sources: readonly KeySource[];

  constructor() {
    const file = (name: string, content: string): string => {
      const path = join(this.folder, name);
      writeFileSync(path, content);
      return path;
    };
    const pem = this.#centre.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const source = (id: string, level: AccessLevel, algorithm: KeySource['algorithm'], f: string) =>
      ({ id, level, algorithm, file: f }) as const;
    this.sources = [
      source('centre', 'installer', 'ed25519', file('centre.pem', pem)),
      source('hall', 'operator', 'hmacSha256', file('hall.secret', `${SECRET}\n`)),
      source('reader', 'viewer', 'token', file('reader.token', TOKEN_WORD)),
    ];
  }

  key(keyId: string): KeyObject | Uint8Array {
    return keyId === 'hall' ? Buffer.from(SECRET) : this.#centre.privateKey;
  }

  sign(name: string, fields: object, keyId = 'centre', root = ROOT): Record<string, string> {
    const command = JSON.stringify(fields);
    const signature = signCommand({ root, name, keyId, command }, this.key(keyId));
    return { keyId, signature, command };
  }
}

export class DeskBench {
  readonly clock: ManualClock;
  readonly faults: FaultNotice[] = [];
  readonly submitted: CommandRequest[] = [];
  readonly configured: ConfigureRequest[] = [];
  readonly snapshots: object[] = [];
  readonly refused: RefusedAttempt[] = [];
  readonly answers: Record<string, unknown>[] = [];
  isClockRight = true;
  answer: (request: CommandRequest) => Promise<CommandOutcome> = ({ requestId }) =>
    Promise.resolve({ requestId, ok: true, detail: 'done' });
  keys: KeyRing;
  #desk: CommandDesk | null = null;

  constructor(sources: readonly KeySource[] = [], clock = new ManualClock()) {
    this.clock = clock;
    this.keys = new KeyRing(sources, clock, (notice) => this.faults.push(notice));
    cleanups.push(() => this.keys.close());
  }

  async open(options: Partial<CommandOptions> = {}, shelf = new Shelf()): Promise<this> {
    const { clock } = this;
    await this.keys.open();
    this.#desk = new CommandDesk(
      { ...DEFAULT_UPLINK_OPTIONS.commands, ...options },
      {
        ...{ clock, broker: 'central', keys: this.keys, log: silentLog },
        memory: await CommandMemory.load(clock, shelf),
        counters: newCounters(),
        topics: topicsOf(ROOT),
        identity: { deviceId: 'unit', bootId: 'boot' },
        isClockRight: () => this.isClockRight,
        submit: (request) => {
          this.submitted.push(request);
          return this.answer(request);
        },
        services: {
          snapshot: (request) => this.snapshots.push(request),
          configure: (request) => {
            this.configured.push(request);
            const { requestId } = request;
            return Promise.resolve({ requestId, ok: true, detail: 'applied' });
          },
          update: null,
        },
        onRefused: (attempt) => this.refused.push(attempt),
        publish: ({ payload }) => {
          this.answers.push(JSON.parse(payload) as Record<string, unknown>);
          return Promise.resolve({ kind: 'acknowledged' });
        },
      },
    );
    return this;
  }

  /** @returns the answer */
  async send(name: string, body: object | string | Uint8Array): Promise<Record<string, unknown>> {
    if (this.#desk === null) throw new Error('not open');
    const text =
      typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    await this.#desk.handle(name, {
      topic: `${ROOT}/command/${name}`,
      payload: Buffer.from(text),
      retained: false,
      expirySeconds: null,
      responseTopic: null,
      correlation: null,
    });
    const last = this.answers.at(-1);
    if (last === undefined) throw new Error('no answer');
    return last;
  }

  /** The time at which a sender issues now, `agoMs` ago. */
  issuedAt(agoMs = 0): string {
    return new Date(this.clock.wallMs() - agoMs).toISOString();
  }
}
