/** Builders for evidence and panels, so that tests say only what matters to them. */
import { makePlan } from '../../src/alarm/make-plan.ts';
import type { SourceInput, ZoneInput } from '../../src/alarm/make-plan.ts';
import type { PanelPlan } from '../../src/alarm/plan.ts';
import { createPanel, stepPanel } from '../../src/alarm/panel.ts';
import type { Panel } from '../../src/alarm/panel.ts';
import type { Command, CommandOutcome, CommandRequest } from '../../src/domain/command.ts';
import type { DomainEvent, JournalEvent, Lane } from '../../src/domain/event.ts';
import type {
  EvidenceWindow,
  FireSigns,
  HotRegion,
  LevelWindow,
  NoDataReason,
  NoDataWindow,
  OpinionWindow,
  RegionEvidence,
  ThermalEvidence,
  ThermalWindow,
} from '../../src/domain/evidence.ts';
import type { Opinion } from '../../src/domain/opinion.ts';
import type { InputSignal, StepInputs } from '../../src/domain/step.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import { deviceId, sensorId, zoneId } from '../../src/domain/units.ts';

export const BOARD = sensorId('board-1');
export const HALL = zoneId('hall');
export const STORE = zoneId('store');

/** A window of the given readings, one per millisecond ending at `atMs`. */
export function level(
  channel: string,
  atMs: number,
  values: number | readonly number[],
  sensor = BOARD,
): LevelWindow {
  const all = typeof values === 'number' ? [values] : values;
  return {
    kind: 'level',
    sensor,
    channel,
    first: all[0]!,
    last: all.at(-1)!,
    min: Math.min(...all),
    max: Math.max(...all),
    count: all.length,
    firstAtMs: atMs - (all.length - 1),
    lastAtMs: atMs,
  };
}

export const NO_SIGNS: FireSigns = {
  riseCelsiusPerMinute: null,
  growthPixelsPerMinute: null,
  flickerCelsius: null,
};

export function frame(
  atMs: number,
  maxCelsius: number,
  signs: Partial<FireSigns> = {},
  calibrated = true,
): ThermalEvidence {
  const hottest: HotRegion = {
    peakCelsius: maxCelsius,
    meanCelsius: maxCelsius - 5,
    areaPixels: 6,
    row: 12,
    column: 5,
    track: 1,
    trackedFrames: 1,
    trackedMs: 0,
    aboveBackgroundCelsius: null,
  };
  const all = { ...NO_SIGNS, ...signs };
  return {
    atMs,
    medianCelsius: 22,
    maxCelsius,
    hottest,
    signs: all,
    regions: [{ ...hottest, signs: all, movingPixelsPerSecond: null }],
    calibrated,
    rejectedPixels: 0,
  };
}

/** A window of one frame. */
export function heat(
  atMs: number,
  maxCelsius: number,
  signs: Partial<FireSigns> = {},
  sensor = BOARD,
  calibrated = true,
): ThermalWindow {
  return heats([frame(atMs, maxCelsius, signs, calibrated)], sensor);
}

/** A region that is steady and small, seen for the first time, unless told otherwise. */
export function region(more: Partial<RegionEvidence> = {}): RegionEvidence {
  const peakCelsius = more.peakCelsius ?? 70;
  return {
    peakCelsius,
    meanCelsius: peakCelsius - 5,
    areaPixels: 6,
    row: 12,
    column: 5,
    track: 1,
    trackedFrames: 1,
    trackedMs: 0,
    aboveBackgroundCelsius: null,
    signs: NO_SIGNS,
    movingPixelsPerSecond: null,
    ...more,
  };
}

/** A window of one frame with these regions. */
export function picture(
  atMs: number,
  regions: readonly Partial<RegionEvidence>[],
  channel = 'thermal',
  sensor = BOARD,
): ThermalWindow {
  const all = regions.map(region).sort((a, b) => b.peakCelsius - a.peakCelsius);
  const hottest = all[0] ?? null;
  const seen: ThermalEvidence = {
    ...frame(atMs, hottest?.peakCelsius ?? 22),
    hottest,
    signs: hottest?.signs ?? NO_SIGNS,
    regions: all,
  };
  return { ...heats([seen], sensor), channel };
}

/** What a model says of a region; the rest of its belief goes to `other`. */
export function says(
  atMs: number,
  belief: Partial<Opinion>,
  track = 1,
  channel = 'thermal',
  sensor = BOARD,
): OpinionWindow {
  const rest = 1 - Object.values(belief).reduce((sum, share) => sum + share, 0);
  const none = { fire: 0, overheating: 0, warmBody: 0, hotObject: 0 };
  const opinion = { ...none, ...belief, other: (belief.other ?? 0) + rest };
  return { kind: 'opinion', sensor, channel, atMs, track, opinion };
}

export function heats(frames: readonly ThermalEvidence[], sensor = BOARD): ThermalWindow {
  const hot = [...frames].sort((a, b) => a.maxCelsius - b.maxCelsius);
  return {
    kind: 'thermal',
    sensor,
    channel: 'thermal',
    frames: frames.length,
    firstAtMs: frames[0]!.atMs,
    last: frames.at(-1)!,
    worst: hot.at(-1)!,
    coolest: hot[0]!,
  };
}

export function noData(
  atMs: number,
  reason: NoDataReason = 'implausibleVdd',
  channel = 'thermal',
  sensor = BOARD,
  count = 1,
): NoDataWindow {
  return { kind: 'noData', sensor, channel, reason, detail: 'test', count, lastAtMs: atMs };
}

/** What the board says in a quiet room, DIO apart. */
export const OTHERS = (now: number) => [
  heat(now, 22),
  level('ADC1', now, 10),
  level('ADC2', now, 30),
];

export const SOURCES: readonly SourceInput[] = [
  { sensor: BOARD, channel: 'thermal', role: 'thermal' },
  { sensor: BOARD, channel: 'ADC1', role: 'smoke' },
  { sensor: BOARD, channel: 'ADC2', role: 'flame' },
  { sensor: BOARD, channel: 'DIO', role: 'flameDigital' },
];

/** One zone with everything on one board; one confirmation unless told otherwise. */
export function onePlan(zone: Partial<ZoneInput> = {}): PanelPlan {
  return makePlan({
    zones: [{ id: HALL, name: 'Hall', sources: SOURCES, confirmations: 1, ...zone }],
  });
}

let benches = 0;

/** Steps a panel and keeps everything that came out of it. */
export class Bench {
  panel: Panel;
  nowMs: number;
  readonly events: DomainEvent[] = [];
  readonly outcomes: CommandOutcome[] = [];
  readonly #name: string;
  #requests = 0;

  constructor(plan: PanelPlan, nowMs = 0, panel = createPanel(plan, nowMs)) {
    this.panel = panel;
    this.nowMs = nowMs;
    benches += 1;
    this.#name = `bench${benches}`;
  }

  step(inputs: Partial<StepInputs> = {}): readonly DomainEvent[] {
    const result = stepPanel(this.panel, { ...NO_INPUTS, ...inputs }, this.nowMs);
    this.panel = result.panel;
    this.events.push(...result.events);
    this.outcomes.push(...result.outcomes);
    return result.events;
  }

  /** Moves on and gives the windows to the panel. */
  hear(afterMs: number, make: (nowMs: number) => EvidenceWindow | readonly EvidenceWindow[]) {
    this.nowMs += afterMs;
    const made = make(this.nowMs);
    return this.step({ windows: 'kind' in made ? [made] : made });
  }

  wait(ms: number): readonly DomainEvent[] {
    this.nowMs += ms;
    return this.step();
  }

  signal(signal: Pick<InputSignal, 'role' | 'active'> & Partial<InputSignal>) {
    return this.step({ signals: [{ input: 'in-1', zone: null, ...signal }] });
  }

  command(command: Command, more: Partial<CommandRequest> = {}): CommandOutcome {
    this.#requests += 1;
    const requestId = `${this.#name}-${this.#requests}`;
    const request: CommandRequest = {
      command,
      requestId,
      origin: 'test',
      level: 'installer',
      ...more,
    };
    this.step({ commands: [request] });
    return this.outcomes.at(-1)!;
  }

  types(): readonly string[] {
    return this.events.map((event) => event.type);
  }
}

/** Stamps events as the journal would. */
export class Stamper {
  readonly seq: Record<Lane, number> = { alarm: 0, fault: 0, operator: 0, system: 0 };
  #ids = 0;

  stamp(events: readonly DomainEvent[]): readonly JournalEvent[] {
    return events.map((event) => {
      this.seq[event.lane] += 1;
      this.#ids += 1;
      return {
        ...event,
        schema: 1 as const,
        id: `0190-${String(this.#ids).padStart(12, '0')}`,
        deviceId: deviceId('unit'),
        seq: this.seq[event.lane],
        bootId: 'boot',
        monotonicMs: 0,
        wall: '2024-01-01T00:00:00.000Z',
        clockQuality: 'synchronised' as const,
      };
    });
  }
}
