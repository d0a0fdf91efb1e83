/**
 * Changes of the configuration from afar: checked as `check-config` does, compared with what runs,
 * refused where it may not be, then applied on probation by a restart of the appliance in place.
 */
import type { Environment } from '../commands/check-config.ts';
import { problemText } from '../config-problems.ts';
import type { Config } from '../config-schema.ts';
import { parseConfig } from '../config.ts';
import type { CommandError, CommandOutcome, ConfigureReport } from '../domain/command.ts';
import type { ConfigChange, Configure, ConfigureRequest } from '../domain/command-service.ts';
import type { PanelView } from '../domain/view.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { Chosen } from './choose.ts';
import { changeLines, differencesOf, protectedAmong } from './diff.ts';
import { whyNotNow } from './health.ts';
import type { Baseline, HistoryEntry, Probation } from './state.ts';
import { begun, hashOfConfig } from './state.ts';

export interface DeskParts {
  readonly running: Chosen;
  readonly environment: Environment;
  /** The present wall time as ISO 8601 in UTC. */
  readonly wallTime: () => string;
  readonly baseline: () => Baseline;
  /** The answer is on its way; the appliance starts anew soon after. */
  readonly restart: (why: string) => void;
}

const MAX_TEXT_BYTES = 131_072;
const CHANGES_ANSWERED = 40;
const PROBLEMS_ANSWERED = 20;
const STORE_FAULTS = ['storeUnavailable', 'storeFull', 'storeSlow', 'snapshotFailed'];
const NOTHING: Pick<ConfigureReport, 'changes' | 'problems'> = { changes: [], problems: [] };

export function makeConfigure(parts: DeskParts): Configure {
  const desk = new ConfigDesk(parts);
  return (request, panel) => desk.configure(request, panel);
}

class ConfigDesk {
  readonly #parts: DeskParts;
  /** One change at a time; what came meanwhile is refused. */
  #busy = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  async configure(request: ConfigureRequest, panel: PanelView): Promise<CommandOutcome> {
    if (this.#busy) return no(request, 'overloaded', 'another change is being made: ask again');
    this.#busy = true;
    try {
      const { change } = request;
      return change.kind === 'confirm'
        ? await this.#confirm(request, change.hash)
        : await this.#change(request, change, panel);
    } finally {
      this.#busy = false;
    }
  }

  async #confirm(request: ConfigureRequest, hash: string): Promise<CommandOutcome> {
    const { running } = this.#parts;
    const { probation } = running.store.state;
    if (hash !== running.hash) {
      return no(request, 'notApplicable', `${hash} does not run here, but ${running.hash}`);
    }
    if (probation === null) return yes(request, `${hash} is not on probation (any more)`);
    const trouble = await running.store.update((state) =>
      state.probation === null
        ? state
        : { ...state, probation: { ...state.probation, confirmed: true } },
    );
    return trouble === null
      ? yes(request, `${hash} is confirmed; it is kept once it has been well for long enough`)
      : no(request, 'notApplicable', `the confirmation could not be recorded: ${trouble}`);
  }

  async #change(
    request: ConfigureRequest,
    change: Exclude<ConfigChange, { readonly kind: 'confirm' }>,
    panel: PanelView,
  ): Promise<CommandOutcome> {
    const done = this.#doneBefore(request);
    if (done !== null) return done;
    const text = this.#textOf(change);
    if (typeof text !== 'string') return no(request, text.error, text.detail);
    const checked = this.#check(request, text);
    if ('outcome' in checked) return checked.outcome;
    const { report } = checked;
    const count = `${checked.count} ${checked.count === 1 ? 'change' : 'changes'}`;
    if (change.kind === 'apply' && change.dryRun) {
      return { ...yes(request, `valid; ${count}; nothing was done`), report };
    }
    const { running, restart } = this.#parts;
    if (running.store.state.probation !== null) {
      const why = `${running.hash} is on probation: wait until it is kept or reverted`;
      return no(request, 'notApplicable', why, report);
    }
    const bad = whyNotNow(panel) ?? whyNotOnThisDisk(panel);
    if (bad !== null) return no(request, 'notApplicable', `not now: ${bad}`, report);
    const trouble = await this.#begin(request, text, report);
    if (trouble !== null) return no(request, 'notApplicable', `not applied: ${trouble}`, report);
    restart(`configuration ${report.configHash} from ${request.origin}`);
    const { probationSeconds } = running.config.uplink.commands.configure;
    const detail = `${count}; applied for a probation of ${probationSeconds} s`;
    return { ...yes(request, detail), report };
  }

  /** A request that a restart interrupted is told what came of it, and not carried out again. */
  #doneBefore(request: ConfigureRequest): CommandOutcome | null {
    const { requestId, origin } = request;
    const { history } = this.#parts.running.store.state;
    const entry = history.findLast((one) => one.requestId === requestId && one.by === origin);
    if (entry === undefined) return null;
    return yes(request, `${entry.hash} was applied by this request: ${entry.outcome}`);
  }

  #textOf(change: Exclude<ConfigChange, { readonly kind: 'confirm' }>): string | Refusal {
    const { hash, file, store } = this.#parts.running;
    if (change.kind === 'apply') {
      if (change.baseHash !== hash) {
        const detail = `"baseHash" is not what runs here (${hash}): look at it, change that one`;
        return { error: 'stale', detail };
      }
      const bytes = Buffer.byteLength(change.text);
      if (bytes <= MAX_TEXT_BYTES) return change.text;
      const detail = `the configuration has ${bytes} bytes; at most ${MAX_TEXT_BYTES} are taken`;
      return { error: 'badArgument', detail };
    }
    const known = change.hash === file.hash ? file.text : store.text(change.hash);
    if (known !== null) return known;
    const hashes = store.state.history.map((entry) => entry.hash).join(', ');
    const detail = `${change.hash} is not in the history${hashes === '' ? '' : `: ${hashes}`}`;
    return { error: 'badArgument', detail };
  }

  /** Valid, different, nothing protected, and with the way back to whoever sent it. */
  #check(request: ConfigureRequest, text: string): Checked | { readonly outcome: CommandOutcome } {
    const { running, environment } = this.#parts;
    const configHash = hashOfConfig(text);
    const result = parseConfig(text, environment, PLAN_CHECKS);
    if (!result.ok) {
      const lines = result.problems.map((problem) => problemText('text', problem));
      const problems = lines.slice(0, PROBLEMS_ANSWERED);
      const detail = `${lines.length} problems; ${problems[0] ?? 'not valid'}`;
      const report = { ...NOTHING, configHash, problems };
      return { outcome: no(request, 'badArgument', detail, report) };
    }
    if (configHash === running.hash) {
      const outcome = { ...yes(request, 'it runs already'), report: { ...NOTHING, configHash } };
      return { outcome };
    }
    const differences = differencesOf(running.config, result.config);
    const changes = changeLines(differences, CHANGES_ANSWERED);
    const report = { ...NOTHING, configHash, changes };
    const { protect } = running.config.uplink.commands.configure;
    const hit = protectedAmong(differences, protect);
    if (hit !== null) {
      const detail =
        `${hit.path} may not be changed from afar (uplink.commands.configure.protect): ` +
        'change it in the file on the appliance';
      return { outcome: no(request, 'notPermitted', detail, report) };
    }
    const lost = lostWay(request, result.config);
    if (lost !== null) return { outcome: no(request, 'badArgument', lost, report) };
    return { report, count: differences.length };
  }

  #begin(
    { origin, requestId, broker }: ConfigureRequest,
    text: string,
    { configHash, changes }: ConfigureReport,
  ): Promise<string | null> {
    const { running, wallTime, baseline } = this.#parts;
    const at = wallTime();
    const probation: Probation = {
      ...{ hash: configHash, fileHash: running.file.hash, from: running.hash },
      ...{ starts: 0, failed: null, confirmed: false },
      ...{ by: origin, requestId, broker, baseline: baseline(), changes },
    };
    const before: HistoryEntry = {
      ...{ hash: running.hash, at, by: 'file', requestId: 'none', from: running.hash },
      ...{ outcome: 'file', reason: running.file.name, changes: [] },
    };
    return running.store.update(
      (state) => begun(state, probation, at, before),
      [text, running.text],
    );
  }
}

interface Checked {
  readonly report: ConfigureReport;
  readonly count: number;
}

interface Refusal {
  readonly error: CommandError;
  readonly detail: string;
}

/** A restart waits for what is not stored yet, and nobody watches meanwhile; null: all is well. */
function whyNotOnThisDisk({ faults }: PanelView): string | null {
  const stuck = faults.find(({ fault }) => STORE_FAULTS.includes(fault));
  return stuck === undefined ? null : `${stuck.fault}: a restart might take long; mend that first`;
}

/** Why nobody could say afterwards that it works; null: somebody can. */
function lostWay({ broker }: ConfigureRequest, { uplink }: Config): string | null {
  if (broker === null) return null;
  const isEmbedded = broker === 'embedded' && uplink.embeddedBroker.enabled;
  if (isEmbedded || uplink.brokers.some(({ id }) => id === broker)) return null;
  return `it has no broker ${broker}, by which it came: its probation would fail`;
}

function yes({ requestId }: ConfigureRequest, detail: string): CommandOutcome & { ok: true } {
  return { requestId, ok: true, detail };
}

function no(
  { requestId }: ConfigureRequest,
  error: CommandError,
  detail: string,
  report?: ConfigureReport,
): CommandOutcome {
  const refused = { requestId, ok: false, error, detail } as const;
  return report === undefined ? refused : { ...refused, report };
}
