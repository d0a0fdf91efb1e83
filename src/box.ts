/**
 * Supervision of the box itself: looks at everything it can read every few seconds and tells what
 * changed. Looks never overlap, and one that a kernel driver holds up is given up after a deadline;
 * that part is not asked again before it has come back, so that hanging reads do not pile up.
 */
import type { Cancel, Clock } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import { messageOf } from './hal/os-errors.ts';
import type { BoxLimits, BoxSources } from './hal/box/readers.ts';
import { boxReaders } from './hal/box/readers.ts';
import type { BoxReader, BoxReading, BoxReport, Unread } from './hal/box/report.ts';
import { merged, NOTHING } from './hal/box/report.ts';
import { RAISE_AFTER, StandingFaults } from './hal/box/standing.ts';
import type { Sample } from './metrics.ts';

/** The configuration's section `box`. */
export interface BoxSettings extends BoxLimits {
  readonly enabled: boolean;
  readonly pollSeconds: number;
}

export interface BoxMonitorOptions {
  readonly clock: Clock;
  readonly readers: readonly BoxReader[];
  /** From the end of one look to the start of the next. */
  readonly pollMs: number;
  /** Called on changes only. */
  readonly fault: (notice: FaultNotice) => void;
  /** Called with everything that could be read, after each look. */
  readonly readings: (list: readonly BoxReading[]) => void;
}

/** Longer than the deadline of a single kernel file, so that one that hangs is named as such. */
export const LOOK_DEADLINE_MS = 5000;

/** What came of asking one reader: its report, or why it said nothing. */
type Answer = { readonly report: BoxReport } | { readonly silent: Unread };

export class BoxMonitor {
  readonly #options: BoxMonitorOptions;
  readonly #standing = new StandingFaults();
  readonly #lost = new LostParts();
  readonly #hanging = new Set<BoxReader>();
  readonly #deadlines = new Set<Cancel>();
  #latest: readonly BoxReading[] = [];
  #cancel: Cancel | null = null;
  #running = false;

  constructor(options: BoxMonitorOptions) {
    this.#options = options;
  }

  /** What the last look found; empty before the first. */
  get latest(): readonly BoxReading[] {
    return this.#latest;
  }

  /** Looks at once, then every `pollMs`. Once only. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#look();
  }

  /** Nothing is told afterwards and no timer is left; a look under way ends unheard. */
  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = null;
    for (const cancel of this.#deadlines) cancel();
    this.#deadlines.clear();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { clock, readers, pollMs, fault, readings } = this.#options;
    const answers = await Promise.all(readers.map((reader) => this.#ask(reader)));
    if (!this.#running) return;
    const report = merged(answers.map((one) => ('report' in one ? one.report : NOTHING)));
    this.#latest = report.readings.filter(({ value }) => Number.isFinite(value));
    readings(this.#latest);
    const changes = [
      ...this.#standing.look(report.conditions),
      ...this.#lost.look(readers, answers, report.unread),
    ];
    for (const notice of changes) fault(notice);
    this.#cancel = clock.after(pollMs, () => void this.#look());
  }

  #ask(reader: BoxReader): Promise<Answer> {
    const hangs = silent(reader, `no answer within ${LOOK_DEADLINE_MS} ms`);
    if (this.#hanging.has(reader)) return Promise.resolve(hangs);
    return new Promise((resolve) => {
      this.#hanging.add(reader);
      const cancel = this.#options.clock.after(LOOK_DEADLINE_MS, () => end(hangs));
      this.#deadlines.add(cancel);
      const end = (answer: Answer): void => {
        cancel();
        this.#deadlines.delete(cancel);
        resolve(answer);
      };
      const back = (answer: Answer): void => {
        this.#hanging.delete(reader);
        end(answer);
      };
      // A reader that rejects has a bug; the others must be heard all the same.
      reader.read().then(
        (report) => back({ report }),
        (error: unknown) => back(silent(reader, messageOf(error))),
      );
    });
  }
}

function silent({ name }: BoxReader, why: string): Answer {
  return { silent: { what: name, why } };
}

/** Tells of what could be read once and cannot any more, and of readers that do not answer. */
class LostParts {
  /** Of each reader: the parts that it has ever read. */
  readonly #known = new Map<BoxReader, Set<string>>();
  /** Looks in a row without the part. */
  readonly #missed = new Map<string, number>();
  #told = '';

  look(
    readers: readonly BoxReader[],
    answers: readonly Answer[],
    unread: readonly Unread[],
  ): readonly FaultNotice[] {
    const missing = readers.flatMap((reader, i) => this.#missing(reader, answers[i]));
    for (const what of this.#missed.keys()) {
      if (!missing.some((one) => one.what === what)) this.#missed.delete(what);
    }
    const lost = missing.filter(({ what }) => {
      const looks = (this.#missed.get(what) ?? 0) + 1;
      this.#missed.set(what, looks);
      return looks >= RAISE_AFTER;
    });
    const now = lost.map(({ what }) => what).join(', ');
    if (now === this.#told) return [];
    this.#told = now;
    const notice = { fault: 'boxUnreadable', subject: 'box' };
    if (now === '') return [{ ...notice, raised: false, detail: 'all can be read again' }];
    const whys = lost.map(({ what, why }) => {
      const said = unread.find((one) => one.what === what)?.why ?? why;
      return `${what}: ${said}`;
    });
    return [{ ...notice, raised: true, detail: `${whys.join('; ')}: ${LOST_REMEDY}` }];
  }

  #missing(reader: BoxReader, answer: Answer | undefined): readonly Unread[] {
    if (answer === undefined) return [];
    if ('silent' in answer) return [answer.silent];
    const known = this.#known.get(reader) ?? new Set();
    this.#known.set(reader, known);
    for (const what of answer.report.present) known.add(what);
    return [...known]
      .filter((what) => !answer.report.present.includes(what))
      .map((what) => ({ what, why: 'it is not there any more' }));
  }
}

const LOST_REMEDY = 'look at dmesg for its driver, and at its cable where it has one';

/** The monitor of an appliance; `start` it once the core listens. */
export function createBoxMonitor(
  settings: BoxSettings,
  sources: BoxSources,
  tell: Pick<BoxMonitorOptions, 'fault' | 'readings'>,
): BoxMonitor {
  const readers = settings.enabled ? boxReaders(sources, settings) : [];
  const pollMs = settings.pollSeconds * 1000;
  return new BoxMonitor({ clock: sources.clock, readers, pollMs, ...tell });
}

/** For the gauge `embereye_box_reading`, label `name`; `Sample.name` once metrics.ts has it. */
export function boxSamples<N extends string>(
  gauge: N,
  readings: readonly BoxReading[],
): readonly (Omit<Sample, 'name'> & { readonly name: N })[] {
  return readings.map(({ name, value }) => ({ name: gauge, labels: [name], value }));
}
