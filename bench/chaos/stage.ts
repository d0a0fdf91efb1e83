/**
 * Everything around one appliance: its broker, the wire between them that knows of acknowledgements,
 * an independent subscriber, the probe with the boards, and the socket for commands.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { askAppliance } from '../../src/control/client.ts';
import { readFrames } from '../../src/store/ring-frames.ts';
import { monotonicMs } from '../line-file.ts';
import { type Manner, Unit } from '../kill/appliance.ts';
import { Broker, copyBundle, freePort, pause, Subscriber, until } from '../kill/children.ts';
import { lookAtJournal } from '../kill/evidence.ts';
import { zoneNames } from '../kill/scene.ts';
import { Tap } from '../kill/tap.ts';
import { active } from '../kill/trigger.ts';
import type { JournalEvent } from '../../src/domain/event.ts';
import type { Cleanup } from './cleanup.ts';
import { Ledger } from './ledger.ts';
import { ProbeClient } from './probe-client.ts';

/** What a kind wants of its stage, beside what all have. */
export interface Setting {
  readonly manner?: Manner;
  /** Where the wire to the broker is joined; default 127.0.0.1. */
  readonly tapHost?: string;
  /** See `BrokerManner.keeps`. */
  readonly brokerKeeps?: readonly string[];
}

export interface Folders {
  /** On the disk, and in memory. */
  readonly disk: string;
  readonly memory: string;
}

/** The state, as far as it is looked at. */
interface PanelState {
  readonly zones: readonly {
    readonly id: string;
    readonly alarm: object | null;
    readonly disabledUntilMs: number | null;
  }[];
  readonly sources: readonly { readonly ageMs: number | null }[];
}

/** What the killed appliance left behind. */
export interface LeftBehind {
  readonly inRing: readonly JournalEvent[];
  readonly inJournal: readonly JournalEvent[];
  /** Of SQLite's own check; empty when the database is sound. */
  readonly damage: readonly string[];
}

const SIREN_LINE = 17;
const HEALTHY_WITHIN_MS = 60_000;
/** Mosquitto hands everything on at once, so that what it acknowledged is with the subscriber. */
const BROKER_KEEPS = ['persistence true', 'max_inflight_messages 0'];
/** One reading alarms; a recorder that cannot fill a small disk by itself. */
const SETTINGS = {
  detection: { confirmations: 1 },
  recording: { blackBox: { diskMegabytes: 5, keepEvents: 10 } },
};

export function makeFolders(cleanup: Cleanup): Folders {
  const memoryRoot = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folders = {
    disk: mkdtempSync(join(tmpdir(), 'embereye-chaos-')),
    memory: mkdtempSync(join(memoryRoot, 'embereye-chaos-')),
  };
  cleanup.add('folders', () => {
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
  });
  return folders;
}

export class Stage {
  readonly ledger = new Ledger();
  readonly folders: Folders;
  readonly unit: Unit;
  readonly broker: Broker;
  readonly tap: Tap;
  readonly probe: ProbeClient;
  readonly #subscriber: Subscriber;
  #heard = 0;
  #asked = 0;

  private constructor(parts: Pick<Stage, 'folders' | 'unit' | 'broker' | 'tap' | 'probe'>) {
    this.folders = parts.folders;
    this.unit = parts.unit;
    this.broker = parts.broker;
    this.tap = parts.tap;
    this.probe = parts.probe;
    const topics = [`${this.unit.root}/event/#`, `${this.unit.root}/gap`];
    this.#subscriber = new Subscriber(this.broker.port, topics);
  }

  /** @param bundle of the proof itself, which also serves as the probe. */
  static async open(
    setting: Setting,
    folders: Folders,
    bundle: string,
    cleanup: Cleanup,
  ): Promise<Stage> {
    const { manner = {}, tapHost, brokerKeeps = BROKER_KEEPS } = setting;
    const copy = copyBundle();
    cleanup.add('the copy of the bundle', () => copy.remove());
    const broker = new Broker(folders.disk, await freePort(), { keeps: brokerKeeps });
    const tap = new Tap(broker.port);
    const ports = { boardPort: await freePort(), httpPort: await freePort() };
    const unit = new Unit(
      { ...folders, ...ports, program: copy.program, brokerPort: await tap.open(tapHost) },
      { ...manner, settings: { ...SETTINGS, ...manner.settings } },
    );
    await broker.start();
    const probe = new ProbeClient({
      ...{ program: bundle, host: manner.host ?? '127.0.0.1', port: ports.boardPort },
      ...{ lines: join(folders.memory, 'gpio'), sirenLine: SIREN_LINE },
    });
    const stage = new Stage({ folders, unit, broker, tap, probe });
    await until('the subscriber is there', () => stage.subscribed > 0);
    return stage;
  }

  /** How often the subscriber's session began. */
  get subscribed(): number {
    return this.#subscriber.subscribed;
  }

  get sirenOn(): boolean {
    return active(this.unit.sirenFile);
  }

  /** Starts the appliance. @returns the time until it was healthy. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    this.unit.launch();
    await until(
      'the appliance is healthy after its start',
      () => {
        if (!this.unit.running) throw new Error('the appliance ended by itself at its start');
        return this.unit.healthy();
      },
      HEALTHY_WITHIN_MS,
    );
    return performance.now() - startedMs;
  }

  async boardsConnected(): Promise<void> {
    await until('all boards are connected', async () => {
      return (await this.probe.connected()) === zoneNames.length;
    });
  }

  /** Asks over the control socket. @throws when it was not carried out. */
  async command(name: string, fields: object = {}): Promise<unknown> {
    this.#asked += 1;
    const request = { version: 1, name, requestId: `chaos-${this.#asked}`, ...fields };
    const folder = join(this.folders.memory, 'control');
    const asked = await askAppliance(folder, 'installer', request, systemClock());
    if (asked.kind === 'answered' && asked.answer.ok) return asked.answer.state;
    throw new Error(`command ${name}: ${JSON.stringify(asked)}`);
  }

  async state(): Promise<PanelState> {
    return (await this.command('status')) as PanelState;
  }

  /** Lets the siren go, so that the next alarm can be seen. */
  async silence(): Promise<void> {
    if (!this.sirenOn) return;
    await this.command('silence');
    await until('the siren is silent', () => !this.sirenOn, 5000);
  }

  /** Clears the smoke and ends every alarm. */
  async reset(): Promise<void> {
    await this.boardsConnected();
    const airedMs = monotonicMs();
    await this.probe.air();
    // A command may overtake the readings that are still on their way.
    await until('every board has reported clean air', async () => {
      const { sources } = await this.state();
      const sinceMs = monotonicMs() - airedMs;
      return sources.every(({ ageMs }) => ageMs !== null && ageMs < sinceMs);
    });
    await until('all alarms are reset', async () => {
      if (await this.#calm()) return true;
      await this.command('reset');
      if (await this.#calm()) return true;
      // Asked too often it refuses.
      await pause(200);
      return false;
    });
  }

  async #calm(): Promise<boolean> {
    return !this.sirenOn && (await this.state()).zones.every(({ alarm }) => alarm === null);
  }

  /** Takes in what the subscriber got since the last time. */
  hear(): void {
    const { lines } = this.#subscriber;
    this.ledger.hear(lines.slice(this.#heard));
    this.#heard = lines.length;
  }

  /** Reads ring and journal of an appliance that does not run. @throws when it cannot. */
  leftBehind(): LeftBehind {
    const { ringFile, stateFolder } = this.unit;
    const inRing = existsSync(ringFile) ? readFrames(readFileSync(ringFile)).events : [];
    const journal = lookAtJournal(stateFolder, (db) => {
      const rows = db.prepare('SELECT json FROM event ORDER BY id').pluck().all() as string[];
      const check = db.pragma('quick_check') as { readonly quick_check: string }[];
      const damage = check.map((row) => row.quick_check).filter((text) => text !== 'ok');
      return { inJournal: rows.map((json) => JSON.parse(json) as JournalEvent), damage };
    });
    return { inRing, ...journal };
  }

  /** Copies what can be examined later. */
  keep(folder: string): void {
    const { stateFolder, ringFile, logFile } = this.unit;
    for (const from of [ringFile, logFile]) {
      if (existsSync(from)) copyFileSync(from, join(folder, from.split('/').at(-1) ?? 'file'));
    }
    for (const entry of readdirSync(stateFolder, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      copyFileSync(join(stateFolder, entry.name), join(folder, entry.name));
    }
  }

  async close(): Promise<void> {
    await this.unit.end('SIGKILL');
    await this.probe.stop();
    await this.#subscriber.stop();
    this.tap.close();
    await this.broker.stop();
  }
}
