/** What must hold in every world, and how often each promise was really put to the test. */

export const INVARIANTS = {
  fireSounds:
    'a growing fire in a healthy zone sounds the siren within 10 s of passing 60 C ' +
    '(slow and medium growth: within 10 s of passing 120 C)',
  latchHolds: 'a latched alarm ends only by a reset that a person asked for',
  silenceYields: 'a new alarm sounds although another one was silenced',
  outputsFollow: 'after each step every line shows what was decided, and no other level',
  restartOutputs: 'right after a kill, before any disk is asked, the lines show the latched alarms',
  restartPanel: 'a restarted panel holds the alarms and silences that stood before',
  deadSensorFaults: 'a dead or frozen sensor becomes a fault within its deadline, relay released',
  noAlarmWithoutCause: 'no alarm and no pre-alarm without a fire in that zone',
  noFaultWithoutCause: 'no fault without trouble in what it names',
  nothingLost: 'what was remembered, acknowledged or told outlives a kill; what was durable, a cut',
  deliveredInOrder: 'each lane arrives in order and gapless, or a gap record says why',
  everythingDelivered: 'every event of the journal reaches the broker in the end',
  alarmsReachCentre:
    'an alarm arrives within 2 s at a broker that works, within 75 s even if the disk does not',
  oneNumberOneEvent: 'no number stands for two events, no id for two numbers or two contents',
  withinCapacity: 'no queue grows beyond its bound',
  boardsRecover: 'every board delivers calibrated frames again after its trouble is over',
  returnsToNormal: 'after all trouble is over and a reset, the panel is normal and lines are idle',
  commandsAnswered: 'a command to a connected appliance is answered, and carried out once',
  heldBackInBound: 'what a model holds back alarms within its bound, whatever the model says',
  criticalNotHeld:
    'a fire above critical sounds within 10 s, also if a model takes it for harmless',
  maintenanceHolds: 'during maintenance nothing sounds, and the fault relay is released',
  maintenanceEnds: 'no lease is outlived: what is in alarm at its end sounds, also after a kill',
  overrideSounds: 'a call point, a second zone or the command sound ends the delay of every output',
  callPointSounds: 'a pressed call point alarms and sounds at once, also if it is held at a start',
  disabledRests: 'what is disabled neither alarms nor is driven, also after a restart',
  walkTestTells: 'a zone under walk test tells its activations and never alarms',
  backInService: 'what still burns at the end of a disablement or walk test alarms then',
  areasJudged: 'each area is judged by its own limits, and a mask by none',
  areasShareFaults: 'no data of a picture is no data of each of its areas',
  offHoursJudged: 'off-hours limits count off hours and while the clock is not to be trusted',
  fireNotLearnt: 'the learnt background of a room stays what it was while a fire burns there',
  backgroundKept: 'what was learnt outlives a stop in good order',
  lineFaultTold:
    'a line that cannot be written is a fault within 2 s, and follows again when it can',
  stepsKeepPace: 'a running appliance steps at least every 100 ms',
} as const;

export type InvariantId = keyof typeof INVARIANTS;
export const INVARIANT_IDS = Object.keys(INVARIANTS) as InvariantId[];

export interface Violation {
  readonly id: InvariantId;
  readonly atMs: number;
  readonly detail: string;
}

/** More of the same tells nothing new. */
const MOST_OF_ONE_KIND = 10;

export class Scoreboard {
  readonly exercised = nothingYet();
  readonly violated = nothingYet();
  readonly violations: Violation[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** One more time the promise could have been broken; `detail` is made only when it was. */
  expect(id: InvariantId, holds: boolean, detail: () => string): void {
    this.exercised[id] += 1;
    if (holds) return;
    this.violated[id] += 1;
    if (this.violated[id] > MOST_OF_ONE_KIND) return;
    this.violations.push({ id, atMs: this.#nowMs(), detail: detail() });
  }
}

/** A counter of each invariant, at zero. */
export function nothingYet(): Record<InvariantId, number> {
  return Object.fromEntries(INVARIANT_IDS.map((id) => [id, 0])) as Record<InvariantId, number>;
}
