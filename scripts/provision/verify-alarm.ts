/**
 * The alarm path from a board to the broker: a walk test, a simulated board with a fire on the unit
 * itself, and the event that the broker hands out. Nothing sounds.
 */
import { sleep, systemClock } from '../../src/clock.ts';
import type { Config } from '../../src/config-schema.ts';
import { readState } from '../../src/commands/control-status.ts';
import type { ControlState } from '../../src/commands/control-status.ts';
import { topicRoot } from '../../src/uplinks.ts';
import type { Point } from './protocol.ts';
import { failed, passed, skipped } from './protocol.ts';
import { quoted } from './ssh-words.ts';
import type { SshHost } from './ssh.ts';
import { jsonOf } from './unit.ts';
import type { HeardEvent, Listener } from './verify-broker.ts';

export interface AlarmPathParts {
  readonly host: SshHost;
  readonly config: Config;
  readonly listener: Listener;
  /** Null: the first zone that has a board which dials in. */
  readonly zone: string | null;
  readonly err: (line: string) => void;
}

/** A board that can be played: how it announces itself, and where to. */
export interface Stage {
  readonly zone: string;
  readonly sensor: string;
  readonly serial: string;
  readonly location: string;
  readonly port: number;
}

const TEST_TIME = '15m';
/** Learning, warming up, a growing fire and its verification. */
const FIRE_LIMIT_MS = 240_000;
const FIRE_AT_SECONDS = 8;
const CADENCE_SECONDS = 1;
const QUIET_LIMIT_MS = 90_000;
const LOOK_EVERY_MS = 1_000;
/** No simulated fire that made an event is as cold as this. */
const COOL_CELSIUS = 50;
const PROOF_LIMIT_MS = 120_000;

/** What to listen to. */
export function eventFilter(config: Config): string {
  return `${topicRoot(config)}/event/+`;
}

/** The zone and board of a configuration to play on; null: none of its boards dials in. */
export function stageOf(config: Config, wanted: string | null): Stage | null {
  const zones = config.zones.filter(({ id }) => wanted === null || id === wanted);
  for (const zone of zones) {
    for (const { sensor, role } of zone.sensors) {
      const board = config.boards.find(({ id }) => id === sensor);
      if (board === undefined || role !== 'thermal' || !config.ingest.enabled) continue;
      const { serial, location, address } = board.match;
      // Ours would come from the unit itself.
      if (address !== undefined) continue;
      const unnamed = serial === undefined && location === undefined;
      const { port } = config.ingest;
      const announced = {
        serial: serial ?? (unnamed ? sensor : 'PROVISION1'),
        location: location ?? 'provision',
      };
      return { zone: zone.id, sensor, port, ...announced };
    }
  }
  return null;
}

export async function alarmPathPoints(parts: AlarmPathParts): Promise<readonly Point[]> {
  const { host, config, zone } = parts;
  const state = await stateOf(host);
  if (state === null) {
    const remedy = 'systemctl status embereye on the unit';
    return [failed('alarm path', 'unit answers', 'embereye status gives no state', remedy)];
  }
  if (state.condition === 'alarm' || state.maintenanceUntilMs !== null) {
    return [
      skipped('alarm path', 'walk test', `the unit is in ${state.condition}, or maintenance`),
    ];
  }
  const stage = stageOf(config, zone);
  return stage === null ? byProof(parts) : byWalkTest(parts, stage);
}

async function byWalkTest(
  { host, listener, err }: AlarmPathParts,
  stage: Stage,
): Promise<readonly Point[]> {
  const { zone } = stage;
  const begun = await host.runAsRoot(`embereye test zone ${quoted(zone)} --for ${TEST_TIME}`);
  if (begun.code !== 0) {
    return [failed('alarm path', `walk test of ${zone}`, begun.err.trim(), 'embereye status')];
  }
  err(`zone ${zone} is in a walk test; a simulated fire begins in ${FIRE_AT_SECONDS} s`);
  const clock = systemClock();
  const startedMs = clock.monotonicMs();
  const play = new Play(host, stage);
  const event = await listener.wait(isActivation(zone), FIRE_LIMIT_MS);
  const tookSeconds = Math.round((clock.monotonicMs() - startedMs) / 1000);
  const said = await play.end();
  const name = `simulated fire in ${zone}, event at the broker`;
  const point =
    event === null
      ? failed(
          'alarm path',
          name,
          `no event within ${FIRE_LIMIT_MS / 1000} s; the board said: ${said || 'nothing'}`,
          'is the broker of the unit connected (embereye status)? does the zone have limits that ' +
            'a fire passes (embereye prove)?',
        )
      : passed('alarm path', name, `after ${tookSeconds} s: ${summaryOf(event)}`);
  return [point, ...(event === null ? [] : [clockQuality(event)]), await endTest(host, stage)];
}

function isActivation(zone: string): (event: HeardEvent) => boolean {
  return ({ type, data }) =>
    type === 'verifying' && data['zone'] === zone && summary(data).startsWith('walk test');
}

function summary(data: HeardEvent['data']): string {
  const { summary: text } = (data['explanation'] ?? {}) as { readonly summary?: unknown };
  return typeof text === 'string' ? text : '';
}

function summaryOf({ data }: HeardEvent): string {
  return summary(data);
}

function clockQuality({ clockQuality: quality }: HeardEvent): Point {
  return quality === 'synchronised'
    ? passed('clock', 'of its events', quality)
    : failed('clock', 'of its events', quality, 'give the unit a time server: docs/system.md');
}

/**
 * Ends the walk test only once nothing of the fire is left: evidence that stands when a test ends
 * alarms at once, and sounds.
 */
async function endTest(host: SshHost, { zone, sensor }: Stage): Promise<Point> {
  const clock = systemClock();
  const untilMs = clock.monotonicMs() + QUIET_LIMIT_MS;
  while (clock.monotonicMs() < untilMs) {
    const state = await stateOf(host);
    if (state !== null && isQuiet(state, zone, sensor)) {
      const ended = await host.runAsRoot(`embereye enable zone ${quoted(zone)}`);
      if (ended.code === 0) return passed('alarm path', 'walk test ended', `zone ${zone} guards`);
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
  const found = `zone ${zone} still shows evidence: its walk test ends by itself in ${TEST_TIME}`;
  const remedy = `once it is cool: embereye enable zone ${zone}`;
  return failed('alarm path', 'walk test ended', found, remedy);
}

/** The played board is silent again, or the real one is back and sees a cool room. */
export function isQuiet(
  { sources, zones }: Pick<ControlState, 'sources' | 'zones'>,
  zone: string,
  sensor: string,
): boolean {
  const shown = zones.find(({ id }) => id === zone);
  if (shown?.verifying !== false) return false;
  const believed = sources.filter((one) => one.sensor === sensor && one.quality === 'good');
  const thermal = believed.filter(({ role }) => role === 'thermal');
  const isCool = thermal.every(({ value }) => value !== null && value < COOL_CELSIUS);
  return believed.length === 0 || (thermal.length > 0 && isCool);
}

async function stateOf(host: SshHost): Promise<ControlState | null> {
  return readState(jsonOf(await host.runAsRoot('embereye status --json')));
}

/** Zones whose sensors are wired: the appliance's own proof, with a synthetic fire. */
async function byProof({ host, listener, zone }: AlarmPathParts): Promise<readonly Point[]> {
  const name = `proof${zone === null ? '' : ` of ${zone}`}`;
  const asked = await host.runAsRoot(`embereye prove ${zone === null ? '' : quoted(zone)}`);
  if (asked.code !== 0) return [failed('alarm path', name, asked.err.trim(), 'docs/proof.md')];
  const isResult = ({ type, data }: HeardEvent): boolean =>
    type === 'proofFinished' && (zone === null || data['zone'] === zone);
  const event = await listener.wait(isResult, PROOF_LIMIT_MS);
  if (event === null) {
    const found = `no result at the broker within ${PROOF_LIMIT_MS / 1000} s`;
    return [failed('alarm path', name, found, 'docs/proof.md')];
  }
  const { outcome, detail } = event.data as { readonly outcome?: string; readonly detail?: string };
  return [
    outcome === 'passed'
      ? passed('alarm path', name, 'from the sensor to the broker')
      : failed('alarm path', name, `${outcome ?? ''}: ${detail ?? ''}`, 'docs/proof.md'),
    clockQuality(event),
  ];
}

/**
 * A simulated board on the unit. It lives as long as its input is open, so it dies with us or with
 * the connection: a fire must not burn on after the walk test.
 */
class Play {
  readonly #ended: Promise<{ readonly err: string }>;
  #finish: () => void = () => undefined;

  constructor(host: SshHost, { serial, location, port }: Stage) {
    const open = new Promise<void>((resolve) => (this.#finish = resolve));
    const options = [
      `--to 127.0.0.1:${port} --serial ${quoted(serial)} --location ${quoted(location)}`,
      `--cadence ${CADENCE_SECONDS} --fire-at ${FIRE_AT_SECONDS} --growth ultraFast`,
    ].join(' ');
    const limit = Math.ceil(FIRE_LIMIT_MS / 1000) + 30;
    const command =
      `timeout ${limit} embereye simulate-board ${options} & board=$!; ` +
      'cat > /dev/null; kill $board; wait $board; true';
    this.#ended = host.run(command, { input: until(open) });
  }

  /** @returns what the board said last. */
  async end(): Promise<string> {
    this.#finish();
    const { err } = await this.#ended;
    return err.trim().split('\n').at(-1) ?? '';
  }
}

/** Says nothing, and ends when told. */
async function* until(open: Promise<void>): AsyncGenerator<Uint8Array> {
  await open;
  yield new Uint8Array(0);
}
