/**
 * What the running appliance has to do with updates: tells what the updater left in `state.json`,
 * each thing once, and passes on what a central server asks for, when its moment has come. It
 * installs nothing itself and could not: that takes root, and a signature.
 */
import type { UpdateSettings } from '../config-update.ts';
import type { CommandOutcome } from '../domain/command.ts';
import type { RequestUpdate, Rollout, RolloutRequest } from '../domain/command-service.ts';
import type { ClockQuality, DomainEvent } from '../domain/event.ts';
import type { Cancel, Clock, KeyedStore, Log } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import type { PanelView } from '../domain/view.ts';
import { disturbText, mayBeDisturbed } from '../service/disturb.ts';
import { readOrder } from './order.ts';
import type { Order } from './order.ts';
import type { ReportReader } from './report.ts';
import { isRequestWaiting, withdrawRequest, writeRequest } from './request.ts';
import type { DailyWindow } from './rollout.ts';
import { isAmong, isWithin, minuteOfDay, placeOf, windowOf, windowText } from './rollout.ts';
import { compareVersions, isVersion } from './semver.ts';
import type { HistoryEntry } from './state.ts';

export interface UpdateDeskParts {
  readonly settings: UpdateSettings;
  readonly deviceId: string;
  readonly version: string;
  /** `state.runDirectory`. */
  readonly runDirectory: string;
  /** IANA name; null: the zone of the machine. */
  readonly timezone: string | null;
  readonly clock: Clock;
  readonly clockQuality: () => ClockQuality;
  readonly wallTime: () => string;
  readonly log: Log;
  readonly keyed: KeyedStore;
  readonly report: ReportReader;
}

/** What of the core it uses. */
export interface UpdateCore {
  readonly runtime: { record(event: DomainEvent): void; view(): PanelView };
  fault(notice: FaultNotice): void;
}

const TICK_MS = 2000;
/** A service that is there takes a request within a moment. */
const TAKEN_WITHIN_MS = 60_000;
/** An order that never finds its moment ends after so long. */
const MOST_WAIT_MS = 7 * 24 * 3_600_000;
/** Key of the order that waits. */
export const PENDING = 'pending';

export class UpdateDesk {
  readonly #parts: UpdateDeskParts;
  #core: UpdateCore | null = null;
  #cancel: Cancel = () => undefined;
  #pending: { readonly order: Order; readonly sinceMs: number } | null = null;
  #handed: { readonly order: Order; readonly sinceMs: number } | null = null;
  #told: ReadonlySet<string> = new Set();
  #busy = false;

  /** @param stored what the store has under `PENDING` */
  constructor(parts: UpdateDeskParts, stored: string | undefined) {
    this.#parts = parts;
    const pending = stored === undefined ? null : readOrder(stored);
    if (pending !== null) this.#pending = { order: pending, sinceMs: parts.clock.monotonicMs() };
  }

  get isOnTrial(): boolean {
    return this.#parts.report.state?.trial?.version === this.#parts.version;
  }

  get isWaiting(): boolean {
    return this.#pending !== null || this.#handed !== null;
  }

  /** From here on it tells and passes on. Call it once the core has started. */
  start(core: UpdateCore): void {
    this.#core = core;
    void this.#tick();
  }

  stop(): void {
    this.#core = null;
    this.#cancel();
  }

  /** Carries the command `update` out; null: this appliance takes none. Never rejects. */
  get request(): RequestUpdate | null {
    const { enabled, remote } = this.#parts.settings;
    return enabled && remote ? (asked, panel) => Promise.resolve(this.#take(asked, panel)) : null;
  }

  async #tick(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const trouble = await this.#parts.report.read();
    this.#busy = false;
    const core = this.#core;
    if (core === null) return;
    this.#tellTroubles(core, trouble);
    for (const entry of await this.#parts.report.untold()) core.runtime.record(eventOf(entry));
    this.#pass(core);
    this.#cancel = this.#parts.clock.after(TICK_MS, () => void this.#tick());
  }

  /** Standing facts follow what the updater says. */
  #tellTroubles(core: UpdateCore, trouble: string | null): void {
    const undone = this.#parts.report.state?.rolledBack ?? null;
    this.#stand(core, 'updateRolledBack', undone && `${undone.version}: ${undone.reason}`);
    this.#stand(core, 'updateStateUnreadable', trouble);
  }

  #stand(core: UpdateCore, fault: UpdateFault, detail: string | null): void {
    const key = `${fault} ${detail ?? ''}`;
    const was = [...this.#told].find((one) => one.startsWith(`${fault} `));
    if (was === key || (was === undefined && detail === null)) return;
    this.#told = new Set([...this.#told].filter((one) => one !== was).concat(detail ? [key] : []));
    // The alarm path has lost nothing: the release before runs, and somebody should look.
    const notice = { fault, subject: 'update', raised: detail !== null, supervisory: true };
    core.fault({ ...notice, detail: detail ?? '' });
  }

  #take(asked: RolloutRequest, panel: PanelView): CommandOutcome {
    const { requestId, origin, rollout } = asked;
    const why = this.#whyNot(rollout);
    if (why !== null) return { requestId, ok: false, ...why };
    if (rollout.version === this.#parts.version) {
      return { requestId, ok: true, detail: `${rollout.version} runs already` };
    }
    const order: Order = { ...rollout, requestId, origin };
    this.#pending = { order, sinceMs: this.#parts.clock.monotonicMs() };
    this.#parts.keyed.put('update', PENDING, JSON.stringify(order));
    const wait = this.#whyWait(order, panel);
    const detail = wait === null ? 'it starts now' : `it waits: ${wait}`;
    this.#core?.runtime.record(this.#event('requested', order, detail));
    if (this.#core !== null) this.#pass(this.#core);
    return { requestId, ok: true, detail: `${rollout.version} is taken: ${detail}` };
  }

  #whyNot({ version, percentage, window }: Rollout): Refusal | null {
    const { deviceId, version: running, report } = this.#parts;
    if (!isVersion(version)) return bad(`"version" is none: such as 1.2.3`);
    if (window !== null && windowOf(window.from, window.to, window.utc) === null) {
      return bad('"window" must have two different times "from" and "to" as HH:MM');
    }
    if (isVersion(running) && compareVersions(version, running) < 0) {
      return not(`${version} is older than ${running}, which runs`);
    }
    const { trial = null } = report.state ?? {};
    if (trial !== null) return not(`${trial.version} is on trial: wait until that is over`);
    if (percentage !== null && !isAmong(deviceId, version, percentage)) {
      const place = placeOf(deviceId, version).toFixed(1);
      return not(`not among the first ${percentage} % (place ${place}): raise "percentage" later`);
    }
    return null;
  }

  /** Why an order cannot start now; null: it can. */
  #whyWait(order: Order, panel: PanelView): string | null {
    const { clock, clockQuality, timezone } = this.#parts;
    const window = this.#windowOf(order);
    if (window !== null) {
      if (clockQuality() !== 'synchronised') return 'the time of day is not known here';
      const minute = minuteOfDay(clock.wallMs(), window, timezone);
      if (!isWithin(window, minute)) return `not before ${windowText(window)}`;
    }
    const { ok, reasons } = mayBeDisturbed(panel);
    return ok ? null : disturbText(reasons);
  }

  #windowOf({ window }: Order): DailyWindow | null {
    const wanted = window ?? this.#parts.settings.window;
    return wanted && windowOf(wanted.from, wanted.to, wanted.utc);
  }

  /** Hands an order over whose moment has come, and gives up one that nobody takes. */
  #pass(core: UpdateCore): void {
    const { clock, runDirectory, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#followHanded(core, nowMs);
    const pending = this.#pending;
    if (pending === null || this.#handed !== null) return;
    const { order, sinceMs } = pending;
    const why = this.#whyWait(order, core.runtime.view());
    if (why !== null) {
      if (nowMs - sinceMs < MOST_WAIT_MS) return;
      this.#forget();
      core.runtime.record(this.#event('refused', order, `no moment came in seven days: ${why}`));
      return;
    }
    this.#forget();
    const { url, version, origin, requestId } = order;
    const trouble = writeRequest(runDirectory, { url, version, origin, requestId });
    if (trouble === null) {
      this.#handed = { order, sinceMs: nowMs };
      return;
    }
    log('error', 'an update could not be asked for', { detail: trouble });
    core.runtime.record(this.#event('refused', order, trouble));
  }

  #followHanded(core: UpdateCore, nowMs: number): void {
    const handed = this.#handed;
    if (handed === null) return;
    const { runDirectory } = this.#parts;
    if (!isRequestWaiting(runDirectory)) this.#handed = null;
    else if (nowMs - handed.sinceMs >= TAKEN_WITHIN_MS) {
      this.#handed = null;
      withdrawRequest(runDirectory);
      const why =
        'no updater took it: it is busy with another release, then ask again; or it is switched ' +
        'off: systemctl enable --now embereye-update.path';
      core.runtime.record(this.#event('refused', handed.order, why));
    }
  }

  #forget(): void {
    this.#pending = null;
    this.#parts.keyed.remove('update', PENDING);
  }

  #event(phase: 'requested' | 'refused', order: Order, reason: string): DomainEvent {
    const { version, origin, requestId } = order;
    const id = `${requestId}-${phase}`;
    const at = this.#parts.wallTime();
    const what = { id, phase, at, version, fromVersion: this.#parts.version, slot: null };
    return eventOf({ ...what, reason, origin, requestId });
  }
}

type UpdateFault = 'updateRolledBack' | 'updateStateUnreadable';
type Refusal = { readonly error: 'badArgument' | 'notApplicable'; readonly detail: string };

function bad(detail: string): Refusal {
  return { error: 'badArgument', detail };
}

function not(detail: string): Refusal {
  return { error: 'notApplicable', detail };
}

export function eventOf({ id, at, ...data }: HistoryEntry): DomainEvent {
  return { lane: 'system', type: 'update', data: { update: id, ...data, at } };
}
