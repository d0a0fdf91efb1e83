/** The output stage: the alarm's own lines, pulsed, read back, or left alone and said so. */
import type { LineCheck } from '../alarm/annunciator.ts';
import type { Panel } from '../alarm/panel.ts';
import { disabledOutputsOf, outputsOf } from '../alarm/panel.ts';
import type { Clock } from '../domain/ports.ts';
import type { ProofStage } from '../domain/proof.ts';
import type { OutputRole } from '../domain/view.ts';
import { DELAYED_ROLES } from '../domain/view.ts';
import { failed, notProven, passed } from './trial.ts';
import type { Waits } from './waits.ts';

/** What the stage needs of the annunciator. */
export interface ProofLines {
  readonly wired: readonly {
    readonly id: string;
    readonly role: OutputRole;
    readonly settleMs: number;
  }[];
  pulse(ids: readonly string[], untilMs: number): void;
  endPulse(): void;
  check(id: string, level: boolean, nowMs: number): LineCheck;
}

export interface OutputParts {
  readonly clock: Clock;
  readonly waits: Waits;
  readonly lines: ProofLines;
  readonly panel: () => Panel;
  /** Has the lines written now. */
  readonly step: () => void;
  readonly how: 'pulse' | 'feedback' | 'silent';
  readonly pulseMs: number;
}

/** Room for the ticks in which lines are written and read. */
const SLACK_MS = 400;

/** What was seen of one line. */
interface Seen {
  readonly id: string;
  readonly state: 'proven' | 'writtenOnly' | 'left' | 'wrong';
  readonly why: string;
}

export async function outputTrial(parts: OutputParts): Promise<ProofStage> {
  const { clock, lines, how } = parts;
  const startedMs = clock.monotonicMs();
  const alarming = lines.wired.filter(({ role }) => DELAYED_ROLES.some((one) => one === role));
  if (alarming.length === 0) {
    const detail = 'no siren, strobe or alarm relay is wired: alarms are told by the broker alone';
    return notProven('output', 0, detail);
  }
  if (how === 'silent') {
    return notProven('output', 0, 'left out: the configuration says outputs: silent');
  }
  const left = whyLeft(parts.panel(), startedMs);
  if (left !== null) return notProven('output', 0, left);
  const off = new Set(disabledOutputsOf(parts.panel()).map(({ output }) => output));
  const asked = alarming.filter(({ id }) => !off.has(id));
  const seen: Seen[] = alarming
    .filter(({ id }) => off.has(id))
    .map(({ id }) => ({ id, state: 'left', why: `${id} is disabled` }));
  seen.push(...(how === 'pulse' ? await pulsed(parts, asked) : readBack(parts, asked)));
  return told(seen, how, clock.monotonicMs() - startedMs);
}

/** Whether an alarm or maintenance has the lines; for people. */
function whyLeft(panel: Panel, nowMs: number): string | null {
  if (panel.duty.maintenanceUntilMs !== null) return 'left alone: held off for maintenance';
  const { siren, strobe, alarmRelay } = outputsOf(panel, nowMs);
  const isLatched = panel.zones.some(({ alarm }) => alarm !== null);
  return siren || strobe || alarmRelay || isLatched ? 'left alone: there is an alarm' : null;
}

type Asked = ProofLines['wired'];

async function pulsed(parts: OutputParts, asked: Asked): Promise<readonly Seen[]> {
  const { clock, waits, lines, step } = parts;
  const settleMs = Math.max(0, ...asked.map((line) => line.settleMs));
  const lengthMs = Math.max(parts.pulseMs, settleMs + SLACK_MS);
  const pulseEndsMs = clock.monotonicMs() + lengthMs;
  lines.pulse(
    asked.map(({ id }) => id),
    pulseEndsMs,
  );
  step();
  const isInterrupted = (): boolean => whyLeft(parts.panel(), clock.monotonicMs()) !== null;
  const answers = (level: boolean) => (): ReadonlyMap<string, LineCheck> | null => {
    const nowMs = clock.monotonicMs();
    const found = new Map(asked.map(({ id }) => [id, lines.check(id, level, nowMs)]));
    return isInterrupted() || ![...found.values()].includes('settling') ? found : null;
  };
  const on = await waits.until(pulseEndsMs - 1, answers(true));
  await waits.until(pulseEndsMs, () => (isInterrupted() ? true : null));
  lines.endPulse();
  step();
  const offEndsMs = clock.monotonicMs() + settleMs + SLACK_MS;
  const off = await waits.until(offEndsMs, answers(false));
  if (isInterrupted()) {
    return asked.map(({ id }) => ({
      id,
      state: 'left',
      why: `${id}: an alarm came, and drives it`,
    }));
  }
  return asked.map(({ id }) => seenOf(id, on?.get(id) ?? 'settling', off?.get(id) ?? 'settling'));
}

function seenOf(id: string, on: LineCheck, off: LineCheck): Seen {
  if (on === 'agrees' && off === 'agrees') return { id, state: 'proven', why: `${id} follows` };
  if (on === 'noFeedback' && off === 'noFeedback') {
    return { id, state: 'writtenOnly', why: `${id} was pulsed, and no feedback is wired to it` };
  }
  const when = on === 'agrees' || on === 'noFeedback' ? 'at rest' : 'energised';
  const what = when === 'energised' ? on : off;
  const why = what === 'failed' ? 'it cannot be written' : 'its feedback does not follow';
  return { id, state: 'wrong', why: `${id} ${when}: ${why}` };
}

/** Without driving anything: whether the lines are what they were told last. */
function readBack({ lines, clock }: OutputParts, asked: Asked): readonly Seen[] {
  return asked.map(({ id }) => {
    const found = lines.check(id, false, clock.monotonicMs());
    if (found === 'agrees') return { id, state: 'proven', why: `${id} reads back at rest` };
    if (found === 'noFeedback' || found === 'settling') {
      return { id, state: 'writtenOnly', why: `${id} has no feedback to read` };
    }
    return seenOf(id, 'agrees', found);
  });
}

function told(seen: readonly Seen[], how: 'pulse' | 'feedback', tookMs: number): ProofStage {
  const why = (state: Seen['state']): string =>
    seen
      .filter((one) => one.state === state)
      .map((one) => one.why)
      .join('; ');
  if (seen.some(({ state }) => state === 'wrong')) {
    const detail = `${why('wrong')}: look at the relay, its wires and the feedback input`;
    return failed('output', tookMs, detail);
  }
  const all = [why('proven'), why('writtenOnly'), why('left')].filter((text) => text !== '');
  const isProven = seen.every(({ state }) => state === 'proven');
  const detail = all.join('; ');
  if (isProven && how === 'pulse') return passed('output', tookMs, detail);
  // A line that rests as told has not shown that it can sound.
  return isProven
    ? passed('output', tookMs, `${detail}; not driven, so that it sounds is not shown`)
    : notProven('output', tookMs, detail);
}
