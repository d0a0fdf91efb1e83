/** What a unit says of itself over ssh: service, clock, identity, doctor, and outputs. */
import type { DoctorReport } from '../../src/commands/doctor.ts';
import type { IdentityDescription } from '../../src/commands/identity-show.ts';
import { askFacts } from './install-facts.ts';
import type { UnitFacts } from './install-facts.ts';
import type { Point } from './protocol.ts';
import { failed, passed, skipped } from './protocol.ts';
import type { SshHost } from './ssh.ts';
import { shownIdentity, CONFIG_FILE } from './unit.ts';
import { doctorOf, reportOf } from './unit-doctor.ts';
import type { ProvisionWorld } from './world.ts';

const CLOCK_LIMIT_MS = 5_000;
/** The appliance itself begins to warn at 30. */
const LEAST_DAYS = 30;
/** Time that one command over ssh may take, and the clock with it. */
const SLACK_MS = 30_000;

/** Service and clock. */
export async function systemPoints(
  host: SshHost,
  world: ProvisionWorld,
): Promise<readonly Point[]> {
  const before = world.nowMs();
  const facts = await askFacts(host);
  const tookMs = Math.min(world.nowMs() - before, SLACK_MS);
  return [servicePoint(facts), ...clockPoints(facts, world.nowMs(), tookMs)];
}

export function servicePoint({ active, enabled, installed }: UnitFacts): Point {
  const version = installed ?? 'not from a package';
  if (active && enabled) return passed('service', 'runs, and starts by itself', version);
  const found = `${active ? 'runs' : 'does not run'}, ${enabled ? 'enabled' : 'not enabled'}`;
  const remedy = 'sudo systemctl enable --now embereye.service';
  return failed('service', 'runs, and starts by itself', found, remedy);
}

/** @param tookMs how long the question took: the answer is so old at most. */
export function clockPoints(
  { nowMs, synchronised }: UnitFacts,
  hereMs: number,
  tookMs: number,
): readonly Point[] {
  const offMs = Math.abs(nowMs - hereMs);
  const seconds = (offMs / 1000).toFixed(0);
  const ntp = 'give it a time server: docs/system.md; without one alarms carry doubtful times';
  return [
    offMs <= CLOCK_LIMIT_MS + tookMs
      ? passed('clock', 'agrees with this machine', `within ${seconds} s`)
      : failed(
          'clock',
          'agrees with this machine',
          `${seconds} s apart`,
          'set the one that is off',
        ),
    synchronised
      ? passed('clock', 'is synchronised', 'yes')
      : failed('clock', 'is synchronised', 'no', ntp),
  ];
}

export async function identityPoints(host: SshHost): Promise<{
  readonly shown: IdentityDescription;
  readonly points: readonly Point[];
}> {
  const shown = await shownIdentity(host);
  return { shown, points: identityPointsOf(shown) };
}

export function identityPointsOf(shown: IdentityDescription): readonly Point[] {
  const { trouble, daysLeft, validTo, hasClaim } = shown;
  const renew = 'provision enrol --host ... renews it';
  const until = `until ${validTo ?? 'never'}, ${String(daysLeft)} days`;
  return [
    trouble === null
      ? passed('identity', 'key and certificate', `${shown.deviceId ?? ''} ${shown.serial ?? ''}`)
      : failed('identity', 'key and certificate', trouble, renew),
    daysLeft !== null && daysLeft >= LEAST_DAYS
      ? passed('identity', 'counts long enough', until)
      : failed(
          'identity',
          'counts long enough',
          daysLeft === null ? 'no certificate' : until,
          renew,
        ),
    hasClaim
      ? passed('identity', 'claim code', 'set')
      : failed('identity', 'claim code', 'not set', 'provision enrol --host ... --new-claim'),
  ];
}

export async function doctorPoints(host: SshHost): Promise<readonly Point[]> {
  const { report, said } = await doctorOf(host);
  if (report === null) {
    return [failed('doctor', 'report', said || 'none', 'run embereye doctor on the unit')];
  }
  return doctorPointsOf(report);
}

/** Failures one by one; what is fine in one line. */
export function doctorPointsOf({ findings }: DoctorReport): readonly Point[] {
  const bad = findings.filter(({ state }) => state === 'failed');
  const count = (state: string): number => findings.filter((one) => one.state === state).length;
  const summary = `${findings.length} findings: ${count('ok')} ok, ${count('warning')} warnings`;
  return [
    ...bad.map(({ area, subject, found, remedy }) =>
      failed('doctor', `${area} ${subject}`, found, remedy ?? 'docs/doctor.md'),
    ),
    ...(bad.length === 0 ? [passed('doctor', 'nothing failed', summary)] : []),
  ];
}

/**
 * Stops the appliance, pulses each output and starts it again, all in one command of the unit: it
 * starts again also when the connection breaks in the middle.
 */
const PULSE = `
again() { systemctl start embereye.service; }
trap again EXIT
trap 'exit 1' HUP INT TERM
systemctl stop embereye.service
systemctl stop embereye-gpio-holder.service 2>/dev/null
runuser -u embereye -- embereye doctor --json --outputs --yes ${CONFIG_FILE}
`;

export async function outputPoints(
  host: SshHost,
  wanted: boolean,
  { yes, world }: { readonly yes: boolean; readonly world: ProvisionWorld },
): Promise<readonly Point[]> {
  if (!wanted) return [skipped('outputs', 'pulse', 'not asked for: add --outputs')];
  const question =
    'Each output is pulsed for a second, and nothing is guarded meanwhile. Siren and relays ' +
    'move: is ' +
    'everybody in the building warned? [y/N] ';
  const answer = yes ? 'y' : ((await world.ask?.(question)) ?? '');
  if (!/^y(es)?$/i.test(answer)) {
    return [skipped('outputs', 'pulse', 'nobody consented: answer yes, or add --yes')];
  }
  const report = reportOf(await host.runAsRoot(PULSE));
  if (report === null) {
    return [
      failed('outputs', 'pulse', 'no report came', 'run embereye doctor --outputs on the unit'),
    ];
  }
  const pulsed = report.findings.filter(
    ({ area, subject }) => area.startsWith('output') && subject === 'pulse',
  );
  if (pulsed.length === 0) return [skipped('outputs', 'pulse', 'the doctor moved nothing')];
  return pulsed.map(({ area, state, found, remedy }) => {
    const name = area.replace('output:', '');
    if (state === 'failed') return failed('outputs', name, found, remedy ?? 'docs/gpio.md');
    return state === 'skipped' ? skipped('outputs', name, found) : passed('outputs', name, found);
  });
}
