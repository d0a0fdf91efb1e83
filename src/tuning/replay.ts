/**
 * Recorded days through decoders, detectors, rules, fusion and panel of one or two configurations,
 * in virtual time, all zones at once, one item in memory at a time.
 */
import type { Config } from '../config-schema.ts';
import type { Command } from '../domain/command.ts';
import type { EvidenceWindow } from '../domain/evidence.ts';
import { THERMAL_CHANNEL } from '../domain/evidence.ts';
import type { SensorNotice } from '../domain/step.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import type { Classifier } from '../vision/classifier.ts';
import type { Look } from './eyes.ts';
import { Eyes, lookOf } from './eyes.ts';
import { Highest } from './highest.ts';
import type { SensorItem, SiteItem, Stretch, TellNote } from './items.ts';
import { shifted } from './items.ts';
import { isOf } from './labels.ts';
import type { Label } from './labels.ts';
import { Ledger } from './ledger.ts';
import { Moments } from './moments.ts';
import { commandsOf, noticesOf } from './people.ts';
import { Pictures } from './pictures.ts';
import { Recorded } from './record.ts';
import type { Period } from './files.ts';
import { Side } from './side.ts';

/** A recorder notes the clock each minute: longer than this it was not there. */
const GAP_MS = 150_000;

export interface ReplayOptions {
  readonly present: Config;
  /** Null: only the present one, beside the record. */
  readonly proposed: Config | null;
  readonly classifier: Classifier | null;
  /** Where there is no classifier: whether the opinions of the record have a vote. */
  readonly withOpinions: boolean;
  readonly labels: readonly Label[];
  readonly period: Period;
  readonly tell: TellNote;
  /** Judges an array only once where both configurations see it alike. */
  readonly shareEyes: boolean;
}

/** One configuration in the replay. */
interface Seat {
  readonly side: Side;
  readonly ledger: Ledger;
  /** Sees what the other one sees otherwise. */
  readonly eyes: Eyes;
  readonly looks: Map<string, Look>;
}

export class Replay {
  readonly moments: Moments;
  readonly recorded = new Recorded();
  readonly pictures = new Pictures();
  readonly highest: Highest;
  /** Milliseconds of each day that were replayed. */
  readonly coveredMs = new Map<string, number>();
  /** Sensors of the recordings. */
  readonly sensors = new Set<string>();
  frames = 0;
  /** Items that came when their time was over. */
  late = 0;
  readonly #options: ReplayOptions;
  readonly #shared: Eyes;
  readonly #seats: readonly Seat[];
  /** Sensors heard in this stretch, and their zones. */
  readonly #heard = new Set<string>();
  #wantsSettling = false;
  /** Nothing of this stretch has been replayed yet. */
  #isFresh = true;

  constructor(options: ReplayOptions) {
    const { present, proposed, classifier } = options;
    this.#options = options;
    this.moments = new Moments(present);
    this.highest = new Highest(present);
    this.#shared = new Eyes({ config: present, classifier });
    this.#seats = [present, ...(proposed === null ? [] : [proposed])].map((config) =>
      this.#seat(config),
    );
  }

  get present(): Seat {
    const [present] = this.#seats;
    if (present === undefined) throw new Error('a replay has a present configuration');
    return present;
  }

  get proposed(): Seat | null {
    return this.#seats[1] ?? null;
  }

  /** Questions that the model left open. */
  get unanswered(): number {
    const eyes = [this.#shared, ...this.#seats.map((seat) => seat.eyes)];
    return eyes.reduce((sum, one) => sum + one.unanswered, 0);
  }

  /** Replays one stretch; call it for each, in the order of time. */
  async run(stretch: Stretch): Promise<void> {
    let began = false;
    const isPlain = stretch.kind === 'plain';
    const day = stretch.name.split('/').at(-1) ?? '';
    let startMs = 0;
    for await (const item of stretch.items()) {
      if (!began) {
        began = true;
        this.#isFresh = true;
        this.moments.beginStretch(item.atMs, stretch, day);
        startMs = this.moments.nowMs;
        this.pictures.restart();
        this.#restart(isPlain);
      }
      await this.#take(item);
    }
    if (!began) return;
    this.#close();
    const { moments } = this;
    if (isPlain) {
      this.recorded.withoutRecord(moments.wallAt(startMs), moments.wallAt(moments.nowMs));
    }
  }

  async #take(item: SiteItem): Promise<void> {
    const { moments } = this;
    const atMs = moments.virtual(item.atMs);
    const lastWallMs = moments.wallAt(moments.nowMs);
    if (item.kind === 'clock') moments.clock(item.wallMs, atMs);
    if (!this.#isWanted(atMs)) return;
    const sinceMs = atMs - moments.nowMs;
    if (this.#isFresh) {
      this.#isFresh = false;
      moments.moveTo(atMs);
    } else if (sinceMs > GAP_MS && item.kind !== 'event') this.#gap(sinceMs, atMs, lastWallMs);
    else if (sinceMs > 0) this.#cover(sinceMs);
    else if (sinceMs < 0) this.late += 1;
    for (const { side } of this.#seats) side.idleUntil(atMs);
    moments.moveTo(atMs);
    if (item.kind === 'clock') return;
    if (item.kind === 'event') {
      moments.trust(item.event.clockQuality === 'synchronised');
      this.recorded.note(item.event, moments.wallAt(atMs));
      this.#act(commandsOf(item.event), noticesOf(item.event), atMs);
      return;
    }
    this.#heard.add(item.sensor);
    this.sensors.add(item.sensor);
    if (item.kind === 'level') {
      this.#step(() => [shifted(item.window, atMs - item.atMs)], atMs);
      return;
    }
    for (const seat of this.#viewersOf(item.sensor)) this.#see(seat, item, atMs);
    if (item.kind === 'frame' || item.kind === 'picture') this.frames += 1;
    this.#stepWithEyes(atMs);
    if (!this.#wantsSettling) return;
    for (const eyes of [this.#shared, ...this.#seats.map((seat) => seat.eyes)]) {
      await eyes.settled();
    }
    this.#stepWithEyes(atMs);
  }

  /** Who looks at a sensor's array: the shared eyes, or those of each configuration. */
  #viewersOf(sensor: string): readonly { readonly eyes: Eyes; readonly look: Look }[] {
    const seats = this.#seats.map((seat) => ({ eyes: seat.eyes, look: lookIn(seat, sensor) }));
    const [first] = seats;
    const isAlike = seats.every(({ look }) => look.key === first?.look.key);
    if (first === undefined || !isAlike || !this.#options.shareEyes) return seats;
    return [{ eyes: this.#shared, look: first.look }];
  }

  #see(
    { eyes, look }: { readonly eyes: Eyes; readonly look: Look },
    item: Exclude<SensorItem, { kind: 'level' }>,
    atMs: number,
  ): void {
    const { sensor } = item;
    if (item.kind === 'picture') eyes.picture(sensor, item.celsius, true, atMs);
    else if (item.kind === 'opinion') {
      if (this.#options.withOpinions) eyes.opinion(sensor, item.channel, item.opinion, atMs);
    } else if (item.kind === 'noData') {
      eyes.noData(sensor, item.channel, item.reason, item.detail, atMs);
    } else {
      const { frame } = item;
      const celsius = this.pictures.decode(frame, look.decode);
      const { outcome } = frame;
      if (celsius !== null) eyes.picture(sensor, celsius, frame.calibrated, atMs);
      else if (outcome !== 'picture' && outcome !== 'half') {
        eyes.noData(sensor, THERMAL_CHANNEL, outcome, 'as it was recorded', atMs);
      }
    }
    this.#wantsSettling = this.#options.classifier !== null;
  }

  #stepWithEyes(atMs: number): void {
    const shared = this.#shared.drain();
    const own = this.#seats.map(({ eyes }) => eyes.drain());
    this.#step((at) => [...shared, ...(own[at] ?? [])], atMs);
  }

  #step(windowsOf: (seat: number) => readonly EvidenceWindow[], atMs: number): void {
    for (const [at, { side }] of this.#seats.entries()) {
      const windows = windowsOf(at);
      if (windows.length > 0) side.step({ windows, notices: [], commands: [] }, atMs);
      if (at === 0) this.#lookForHighest(windows, atMs);
    }
  }

  #act(commands: readonly Command[], notices: readonly SensorNotice[], atMs: number): void {
    for (const command of commands) {
      if (command.kind !== 'approveBackground') continue;
      this.#shared.approve(command.sensor, atMs);
      for (const { eyes } of this.#seats) eyes.approve(command.sensor, atMs);
    }
    if (commands.length + notices.length === 0) return;
    for (const { side } of this.#seats) side.step({ windows: [], notices, commands }, atMs);
  }

  #lookForHighest(windows: readonly EvidenceWindow[], atMs: number): void {
    const { labels } = this.#options;
    if (labels.length === 0) return;
    const wallMs = this.moments.wallAt(atMs);
    const now = labels.filter(({ fromMs, toMs }) => wallMs >= fromMs && wallMs < toMs);
    if (now.length === 0) return;
    this.highest.add(windows, (zone) => {
      const mine = now.filter((label) => isOf(label, zone));
      return mine.length > 0 && mine.every(({ kind }) => kind === 'nuisance');
    });
  }

  #isWanted(atMs: number): boolean {
    const { fromMs, toMs } = this.#options.period;
    if (fromMs === -Infinity && toMs === Infinity) return true;
    const wallMs = this.moments.trustedWallAt(atMs) ?? this.moments.wallAt(atMs);
    return wallMs >= fromMs && wallMs < toMs;
  }

  #cover(sinceMs: number): void {
    const day = this.moments.dayAt(this.moments.nowMs);
    this.coveredMs.set(day, (this.coveredMs.get(day) ?? 0) + sinceMs);
  }

  #gap(sinceMs: number, atMs: number, lastWallMs: number): void {
    const { moments } = this;
    const from = isoFromWallMs(lastWallMs).slice(0, 19);
    const minutes = (sinceMs / 60_000).toFixed(1);
    this.#options.tell(
      `nothing is recorded for ${minutes} min from ${from}Z: judged anew behind it`,
    );
    this.#close();
    moments.moveTo(atMs);
    this.#restart(false);
  }

  #close(): void {
    for (const { ledger } of this.#seats) ledger.close(this.moments.nowMs);
  }

  #restart(forget: boolean): void {
    this.#heard.clear();
    this.#shared.restart(forget);
    for (const { eyes, side } of this.#seats) {
      eyes.restart(forget);
      if (forget) side.forget(this.moments.nowMs);
      else side.restart(this.moments.nowMs);
    }
  }

  #seat(config: Config): Seat {
    const { moments } = this;
    const ledger = new Ledger({
      dayAt: (nowMs) => moments.dayAt(nowMs),
      wallAt: (nowMs) => moments.wallAt(nowMs),
      isRecorded: (subject) => this.#isRecorded(subject, config),
    });
    const side = new Side({
      config,
      onEvent: (event, nowMs) => ledger.note(event, nowMs),
      wallAt: (nowMs) => moments.trustedWallAt(nowMs),
    });
    const { classifier } = this.#options;
    return { side, ledger, eyes: new Eyes({ config, classifier }), looks: new Map() };
  }

  /** A fault's subject is a sensor, `sensor/channel`, or a zone that cannot see. */
  #isRecorded(subject: string, { zones }: Config): boolean {
    const zone = zones.find(({ id }) => id === subject);
    if (zone !== undefined) return zone.sensors.some(({ sensor }) => this.#heard.has(sensor));
    return this.#heard.has(subject.split('/')[0] ?? '');
  }
}

function lookIn({ side, looks }: Seat, sensor: string): Look {
  const known = looks.get(sensor);
  if (known !== undefined) return known;
  const look = lookOf(side.config, sensor);
  looks.set(sensor, look);
  return look;
}
