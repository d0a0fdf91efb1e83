/**
 * One run of the appliance as a service: its service manager, its guard, its update lock and the
 * file that says where its health is asked. The command `run` owns one; the appliance knows nothing
 * of it.
 */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config-schema.ts';
import type { Core, CoreHooks } from '../core.ts';
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { PanelView } from '../domain/view.ts';
import { loadLibc } from '../hal/native/libc.ts';
import type { HalResult } from '../hal/ports.ts';
import { done } from '../hal/ports.ts';
import { healthOf } from '../verdicts.ts';
import { mayBeDisturbed } from './disturb.ts';
import type { Guard } from './guard.ts';
import { startGuard } from './guard.ts';
import { healthUrl, HEALTH_ADDRESS_FILE } from './health-address.ts';
import { notifyTerms, openNotifier } from './notify.ts';
import { ServicePulse } from './pulse.ts';
import { UpdateLock, wantsUpdateLock } from './update-lock.ts';

export interface ServiceDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly pid: number;
  /** Where the bundled threads lie: dist. */
  readonly programs: string;
}

const LOCK_EVERY_MS = 1000;

export class Service {
  readonly #deps: ServiceDeps;
  readonly #pulse: ServicePulse;
  #guard: { readonly limitMs: number; readonly guard: Guard | null } | null = null;
  #core: Core | null = null;
  #config: Config | null = null;
  #lock: UpdateLock | null = null;
  #cancelLock: Cancel = () => undefined;

  private constructor(deps: ServiceDeps, pulse: ServicePulse) {
    this.#deps = deps;
    this.#pulse = pulse;
  }

  /** Errors: those of `openNotifier`; then nothing may start. */
  static async open(deps: ServiceDeps): Promise<HalResult<Service>> {
    const terms = notifyTerms(deps.environment, deps.pid);
    if (!terms.ok) return terms;
    const notifier = await openNotifier(terms.value, loadLibc, deps.log);
    if (!notifier.ok) return notifier;
    const pulse = new ServicePulse({ clock: deps.clock, notifier: notifier.value });
    return done(new Service(deps, pulse));
  }

  /** Before an appliance starts with this configuration. */
  prepare(config: Config): void {
    this.#config = config;
    const { exitAfterSeconds } = config.service;
    const limitMs = exitAfterSeconds === null ? 0 : exitAfterSeconds * 1000;
    if (this.#guard?.limitMs === limitMs) return;
    this.#guard?.guard?.close();
    const { programs, log } = this.#deps;
    const path = join(programs, 'guard-thread.js');
    const guard = limitMs === 0 ? null : startGuard(path, limitMs, log);
    this.#guard = { limitMs, guard };
    this.#pulse.guardedBy(guard);
  }

  /** What the core tells of its steps. */
  readonly hooks: CoreHooks = {
    onStep: ({ events }) => {
      this.#pulse.stepped();
      if (events.length > 0) this.#deps.clock.soon(() => this.#followLock());
    },
  };

  /** @param httpPort where `/health` is asked; null: nowhere */
  running(core: Core, httpPort: number | null): void {
    const { clock, log, environment } = this.#deps;
    const config = this.#config;
    if (config === null) return;
    this.#core = core;
    const { mode, file } = config.service.updateLock;
    this.#lock = wantsUpdateLock(mode, file, environment)
      ? new UpdateLock({ file, log, onFault: (notice) => core.fault(notice) })
      : null;
    this.#cancelLock = every(clock, LOCK_EVERY_MS, () => this.#followLock());
    this.#pulse.running({
      health: () => healthOf(core.runtime.progress, clock.monotonicMs(), core.outputProgress),
      status: () => statusText(core.runtime.view()),
    });
    if (httpPort !== null) this.#tellAddress(config, httpPort);
  }

  /** The appliance ends and another configuration starts. */
  changing(why: string): void {
    this.#leave();
    this.#pulse.changing(why);
  }

  /** The appliance ends. */
  stopping(why: string): void {
    this.#leave();
    this.#pulse.stopping(why);
  }

  close(): void {
    this.#leave();
    this.#pulse.close();
    this.#guard?.guard?.close();
  }

  #leave(): void {
    this.#cancelLock();
    this.#core = null;
    this.#lock = null;
  }

  #followLock(): void {
    if (this.#core !== null) this.#lock?.follow(mayBeDisturbed(this.#core.runtime.view()));
  }

  #tellAddress({ state, http }: Config, port: number): void {
    const path = join(state.runDirectory, HEALTH_ADDRESS_FILE);
    try {
      mkdirSync(state.runDirectory, { recursive: true });
      writeFileSync(`${path}.new`, `${healthUrl(http.host, port)}\n`);
      // Whoever may look into the directory may know, whatever the service's umask.
      chmodSync(`${path}.new`, 0o644);
      renameSync(`${path}.new`, path);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#deps.log('warn', 'embereye healthcheck goes by the configuration', { detail });
    }
  }
}

function every(clock: Clock, everyMs: number, run: () => void): Cancel {
  let cancel: Cancel = () => undefined;
  const again = (): void => {
    cancel = clock.after(everyMs, () => {
      run();
      again();
    });
  };
  again();
  return () => cancel();
}

/** `normal, 3 zones`, `alarm in kitchen, 2 faults`: one line for `systemctl status`. */
export function statusText(view: PanelView): string {
  const faults = view.faults.length + view.zones.reduce((n, zone) => n + zone.faults.length, 0);
  const where = view.zones.filter((zone) => zone.alarm !== null).map(({ id }) => id);
  const shown = where.length === 0 ? view.condition : `alarm in ${where.join(', ')}`;
  const zones = view.zones.length === 1 ? '1 zone' : `${view.zones.length} zones`;
  const counted = faults === 1 ? ', 1 fault' : faults > 1 ? `, ${faults} faults` : '';
  return `${shown}, ${zones}${counted}`;
}
