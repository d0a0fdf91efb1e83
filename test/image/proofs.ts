/** What must hold, each seen from outside the machine. */
import { createReadStream, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { pause, until } from '../../bench/kill/children.ts';
import type { SeededRandom } from '../../src/simulator/random.ts';
import { RawBoard } from '../e2e/field.ts';
import type { Central } from './central.ts';
import { HOST_IN_GUEST } from './central.ts';
import type { Pi } from './pi.ts';
import { BOARD_SERIAL, SIREN_LINE, TOPIC_ROOT } from './provisioned.ts';
import type { Report } from './report.ts';
import { BROKEN_WORDS, VERSIONS } from './releases.ts';

const ALARM_PATIENCE_MS = 60_000;
const EVENT_PATIENCE_MS = 120_000;
/** Fetching, checking and unpacking 50 MB takes an emulated processor minutes. */
const UPDATE_PATIENCE_MS = 540_000;

export interface Scene {
  readonly report: Report;
  readonly central: Central;
  readonly random: SeededRandom;
}

const alarms = (central: Central): readonly Readonly<Record<string, unknown>>[] =>
  central.on(TOPIC_ROOT, 'event/alarm').filter(({ type }) => type === 'alarm');

/** Births that a version sent, of any run. */
function births(central: Central, version: string): number {
  return central
    .on(TOPIC_ROOT, 'status')
    .filter((body) => body['status'] === 'online' && body['version'] === version).length;
}

/** The unit's own word for itself on the broker, with its certificate. */
export async function provesOnline({ report, central }: Scene, version: string): Promise<void> {
  await report.proves(`the unit is online with its certificate, version ${version}`, () =>
    until('its birth', () => births(central, version) > 0, EVENT_PATIENCE_MS),
  );
}

/** A board burns: the pin of the siren rises, and the event reaches the centre. */
export async function provesAlarm({ report, central }: Scene, pi: Pi): Promise<RawBoard> {
  const board = await RawBoard.connect(pi.boardPort, BOARD_SERIAL);
  board.clean();
  await report.proves('the siren is silent, seen at the pin', async () => {
    await pause(2000);
    if (await pi.pin(SIREN_LINE)) throw new Error(`GPIO${SIREN_LINE} is high without a fire`);
  });
  const before = alarms(central).length;
  board.smoke();
  await report.proves(`a fire raises GPIO${SIREN_LINE} (GPLEV0, through the monitor)`, () =>
    until('the pin rises', () => pi.pin(SIREN_LINE), ALARM_PATIENCE_MS),
  );
  await report.proves('its event arrives at the broker over TLS', () =>
    until('the event', () => alarms(central).length > before, EVENT_PATIENCE_MS),
  );
  return board;
}

/**
 * The power goes at a random moment after the alarm was committed, in half of the runs before the
 * broker has heard of it.
 */
export async function cutsPower({ report, random }: Scene, pi: Pi): Promise<void> {
  const waitMs = Math.round(random.next() * 4000);
  await pause(waitMs);
  await pi.cut();
  report.say(`      the power was cut ${waitMs} ms later`);
}

/** After the cut: what stood stands again without any board, and what was committed arrives. */
export async function provesLatched({ report, central }: Scene, pi: Pi): Promise<void> {
  await report.proves('after the cut the alarm is still latched, seen at the pin', () =>
    until('the pin is high', () => pi.pin(SIREN_LINE), ALARM_PATIENCE_MS),
  );
  await report.proves('no event of the alarm lane is missing at the centre', async () => {
    const seqs = (): number[] =>
      central.on(TOPIC_ROOT, 'event/alarm').map(({ seq }) => Number(seq));
    const isWhole = (): boolean => {
      const known = new Set(seqs());
      return known.size > 0 && [...Array(Math.max(...known)).keys()].every((i) => known.has(i + 1));
    };
    await until('numbers without a gap', isWhole, EVENT_PATIENCE_MS);
    return `numbers 1..${Math.max(...seqs())}`;
  });
}

export async function resets({ report, central }: Scene, pi: Pi): Promise<void> {
  const board = await RawBoard.connect(pi.boardPort, BOARD_SERIAL);
  board.clean();
  await report.proves('a reset over MQTT silences it, seen at the pin', () =>
    until(
      'the pin falls',
      async () => {
        await commands(central, 'reset', { zone: 'all' });
        await pause(3000);
        return !(await pi.pin(SIREN_LINE));
      },
      ALARM_PATIENCE_MS,
    ),
  );
  board.close();
}

/** Serves the files of a folder to the unit. */
export async function serveFolder(folder: string): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const file = join(folder, basename(request.url ?? ''));
    if (!existsSync(file)) response.writeHead(404).end();
    else createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://${HOST_IN_GUEST}:${port}`, server };
}

const updates = (central: Central, version: string, phase: string): readonly string[] =>
  central
    .on(TOPIC_ROOT, 'event/system')
    .filter(({ type }) => type === 'update')
    .map(({ data }) => data as Readonly<Record<string, unknown>>)
    .filter((data) => data['phase'] === phase && data['version'] === version)
    .map((data) => JSON.stringify(data['reason'] ?? null));

const urlOf = (base: string, version: string): string =>
  `${base}/embereye-${version}-linux-arm64.tar.gz`;

/** A newer release is asked for over MQTT, runs on probation, and stays. */
export async function provesUpdate({ report, central }: Scene, base: string): Promise<boolean> {
  const version = VERSIONS.newer;
  await commands(central, 'update', { url: urlOf(base, version), version });
  await report.proves(`the update to ${version} starts`, () =>
    until('its birth', () => births(central, version) > 0, UPDATE_PATIENCE_MS),
  );
  return report.proves('it is confirmed after its probation', () =>
    until('the event', () => updates(central, version, 'confirmed').length > 0, UPDATE_PATIENCE_MS),
  );
}

/** A release that ends as soon as it runs: the one before it is back, and says why. */
export async function provesRollBack({ report, central }: Scene, base: string): Promise<void> {
  const version = VERSIONS.broken;
  const before = births(central, VERSIONS.newer);
  await commands(central, 'update', { url: urlOf(base, version), version });
  await report.proves('a broken release is rolled back, and the reason is published', async () => {
    await until(
      'the event',
      () => updates(central, version, 'rolledBack').length > 0,
      UPDATE_PATIENCE_MS,
    );
    const [reason = ''] = updates(central, version, 'rolledBack');
    if (reason.length < 5) throw new Error(`the reason is ${reason}`);
    return `${reason} (its own words: ${BROKEN_WORDS})`;
  });
  await report.proves(`version ${VERSIONS.newer} runs again`, () =>
    until('another birth', () => births(central, VERSIONS.newer) > before, UPDATE_PATIENCE_MS),
  );
}

async function commands(central: Central, name: string, fields: object): Promise<void> {
  const body = JSON.stringify({ requestId: randomUUID(), actor: 'proof', ...fields });
  await central.publish(`${TOPIC_ROOT}/command/${name}`, body);
}
