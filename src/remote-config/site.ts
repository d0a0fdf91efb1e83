/** The configuration of one run: what it may become, and whether it proves well. */
import type { Environment } from '../commands/check-config.ts';
import type { Core } from '../core.ts';
import type { Configure } from '../domain/command-service.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import { healthOf } from '../verdicts.ts';
import type { Chosen } from './choose.ts';
import { makeConfigure } from './desk.ts';
import type { Look } from './health.ts';
import { baselineOf } from './health.ts';
import { watchProbation } from './probation.ts';
import type { ConfigState, Probation, Untold } from './state.ts';
import { kept, reverted } from './state.ts';

export interface SiteDeps {
  readonly clock: Clock;
  readonly environment: Environment;
  readonly log: Log;
}

export interface ConfigSite {
  /** What happened to the configuration before this run. */
  readonly events: readonly DomainEvent[];
  readonly configure: Configure;
  /** Resolves when another configuration is to run. */
  readonly restart: Promise<{ readonly kind: 'restart'; readonly reason: string }>;
  /** From when the appliance runs. The result ends it. */
  watch(core: Core): Cancel;
  /** It could not be started. True where it was on probation: the next start runs another. */
  failed(error: unknown): Promise<boolean>;
}

/** Time for the answer to reach its sender before the restart; the farewell adds its own. */
const ANSWER_MS = 500;
/** Events of a start are in the journal by then. */
const TOLD_MS = 3000;

export function openConfigSite(chosen: Chosen, deps: SiteDeps): ConfigSite {
  const { clock, environment } = deps;
  const { store } = chosen;
  const untold = store.state.untold;
  let look: () => Look = nothingYet;
  let ask: (reason: string) => void = () => undefined;
  const restart = new Promise<{ kind: 'restart'; reason: string }>((resolve) => {
    ask = (reason) => resolve({ kind: 'restart', reason });
  });
  return {
    events: untold.map(eventOf),
    restart,
    configure: makeConfigure({
      ...{ running: chosen, environment },
      wallTime: () => isoFromWallMs(clock.wallMs()),
      baseline: () => baselineOf(look()),
      restart: (why) => void clock.after(ANSWER_MS, () => ask(why)),
    }),
    watch(core) {
      look = () => lookAt(core, clock);
      const told = clock.after(TOLD_MS, () => void tell(untold.length, chosen, deps));
      const unwatch = watchFor(chosen, deps, core, look, ask);
      return () => {
        told();
        unwatch();
      };
    },
    async failed(error) {
      const detail = error instanceof Error ? error.message : String(error);
      const why = `it does not start: ${detail}`;
      const trouble = await store.update(({ probation, ...state }) => ({
        ...state,
        probation: probation && { ...probation, failed: why },
      }));
      if (trouble !== null) deps.log('error', 'a probation could not be ended', { trouble });
      return chosen.probation !== null;
    },
  };
}

/** Nobody can ask before the appliance runs. */
function nothingYet(): Look {
  throw new Error('the configuration was asked for before the appliance ran');
}

function lookAt(core: Core, clock: Clock): Look {
  const { ok } = healthOf(core.runtime.progress, clock.monotonicMs(), core.outputProgress);
  const connected = core.brokers.filter((_, i) => core.uplinks[i]?.counters.connected === true);
  return { view: core.runtime.view(), steps: ok, brokers: core.brokers, connected };
}

function watchFor(
  chosen: Chosen,
  { clock, log }: SiteDeps,
  core: Core,
  look: () => Look,
  ask: (reason: string) => void,
): Cancel {
  const { probation, store, config, hash } = chosen;
  if (probation === null) return () => undefined;
  const { probationSeconds, steadySeconds, confirm } = config.uplink.commands.configure;
  const settle = async (
    change: (state: ConfigState, on: Probation, reason: string) => ConfigState,
    reason: string,
  ): Promise<void> => {
    const trouble = await store.update((state) =>
      state.probation === null ? state : change(state, state.probation, reason),
    );
    if (trouble === null) return;
    core.fault({ fault: 'configNotKept', subject: 'config', raised: true, detail: trouble });
  };
  const keep = async (reason: string): Promise<void> => {
    await settle(kept, reason);
    await publishKept(chosen, core);
  };
  const revert = async (reason: string): Promise<void> => {
    await settle(reverted, reason);
    ask(`configuration ${hash} is reverted: ${reason}`);
  };
  return watchProbation({
    ...{ clock, look, baseline: probation.baseline, broker: probation.broker },
    probationMs: probationSeconds * 1000,
    steadyMs: steadySeconds * 1000,
    mustBeConfirmed: confirm && probation.broker !== null,
    isConfirmed: () => store.state.probation?.confirmed === true,
    onVerdict: (verdict, reason) => {
      log(verdict === 'kept' ? 'info' : 'error', `configuration ${verdict}`, { hash, reason });
      void (verdict === 'kept' ? keep(reason) : revert(reason));
    },
  });
}

/** It goes on running: what was kept is told now. */
async function publishKept({ store }: Chosen, core: Core): Promise<void> {
  const { untold } = store.state;
  const last = untold.at(-1);
  if (last?.type !== 'configurationKept') return;
  core.runtime.record(eventOf(last));
  await store.update((state) => ({ ...state, untold: state.untold.filter((one) => one !== last) }));
}

/** The first so many are in the journal of this run. */
async function tell(count: number, { store }: Chosen, { log }: SiteDeps): Promise<void> {
  if (count === 0) return;
  const trouble = await store.update((state) => ({ ...state, untold: state.untold.slice(count) }));
  if (trouble !== null) log('warn', 'what was told will be told again', { trouble });
}

function eventOf({ type, data }: Untold): DomainEvent {
  if (type !== 'configurationKept') return { lane: 'system', type, data };
  const { configHash, from, reason, origin, requestId } = data;
  return { lane: 'system', type, data: { configHash, from, reason, origin, requestId } };
}
