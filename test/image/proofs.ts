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
import { BOARD_SERIAL, topicRoot, type UnitOfSite } from './provisioned.ts';
import type { Report } from './report.ts';
import { BROKEN_WORDS, VERSIONS } from './releases.ts';
import type { Unit } from './unit.ts';

const ALARM_PATIENCE_MS = 60_000;
const EVENT_PATIENCE_MS = 120_000;
const COMMIT_MS = 60_000;
/** Committed, and not yet acknowledged by the broker. */
const BACKLOG = 'embereye_uplink_backlog_events{broker="central",lane="alarm"}';
/** Fetching, checking and unpacking 50 MB takes an emulated processor minutes. */
const UPDATE_PATIENCE_MS = 540_000;

export interface Scene {
  readonly report: Report;
  readonly central: Central;
  readonly random: SeededRandom;
  readonly site: UnitOfSite;
}

type Bodies = readonly Readonly<Record<string, unknown>>[];

const heard = ({ central, site }: Scene, topic: string): Bodies =>
  central.on(topicRoot(site), topic);
const alarms = (scene: Scene): Bodies =>
  heard(scene, 'event/alarm').filter(({ type }) => type === 'alarm');

/** Births that a version sent, of any run. */
function births(scene: Scene, version: string): number {
  return heard(scene, 'status').filter(
    (body) => body['status'] === 'online' && body['version'] === version,
  ).length;
}

/** The unit's own word for itself on the broker, with its certificate. */
export async function provesOnline(scene: Scene, version: string): Promise<void> {
  await scene.report.proves(`the unit is online with its certificate, version ${version}`, () =>
    until('its birth', () => births(scene, version) > 0, EVENT_PATIENCE_MS),
  );
}

/** A board burns: the pin of the siren rises, and the event reaches the centre. */
export async function provesAlarm(scene: Scene, pi: Unit): Promise<void> {
  const { report, site } = scene;
  const board = await RawBoard.connect(pi.boardPort, BOARD_SERIAL);
  board.clean();
  await report.proves('the siren is silent, seen at the pin', async () => {
    await pause(2000);
    if (await pi.pin(site.line)) throw new Error(`GPIO${site.line} is high without a fire`);
  });
  const before = alarms(scene).length;
  board.smoke();
  await report.proves(`a fire raises GPIO${site.line} (GPLEV0, through the monitor)`, () =>
    until('the pin rises', () => pi.pin(site.line), ALARM_PATIENCE_MS),
  );
  await report.proves('its event arrives at the broker over TLS', () =>
    until('the event', () => alarms(scene).length > before, EVENT_PATIENCE_MS),
  );
  board.close();
}

/**
 * The power goes at a random moment after the next alarm was committed, while the broker does not
 * answer: nothing outside the card knows of it.
 * @returns alarms that the centre knows.
 */
export async function cutsPower(scene: Scene, pi: Unit): Promise<number> {
  const { report, central, random } = scene;
  const board = await RawBoard.connect(pi.boardPort, BOARD_SERIAL);
  board.clean();
  await pause(2000);
  const before = alarms(scene).length;
  central.stall();
  board.smoke();
  await report.proves('a fire is committed while the broker does not answer', () =>
    until('it waits for the broker', async () => ((await pi.metric(BACKLOG)) ?? 0) > 0, COMMIT_MS),
  );
  const waitMs = Math.round(random.next() * 3000);
  await pause(waitMs);
  await pi.cut();
  board.close();
  central.goOn();
  report.say(`      the power was cut ${waitMs} ms later`);
  await report.proves('the centre has not heard of it', async () => {
    await pause(2000);
    if (alarms(scene).length > before) throw new Error('the event was there before the cut');
  });
  return before;
}

/** After the cut: what stood stands again without any board, and what was committed arrives. */
export async function provesLatched(scene: Scene, pi: Unit, known: number): Promise<void> {
  const { report } = scene;
  await report.proves('after the cut the alarm is still latched, seen at the pin', () =>
    until('the pin is high', () => pi.pin(scene.site.line), ALARM_PATIENCE_MS),
  );
  await report.proves('the event arrives that nobody had heard of', async () => {
    await until('another alarm', () => alarms(scene).length > known, EVENT_PATIENCE_MS);
    const boots = alarms(scene).map(({ bootId }) => bootId);
    if (boots[known] !== boots[0]) throw new Error('it is not of the life before the cut');
    return 'of the life before the cut';
  });
  await report.proves('no event of the alarm lane is missing at the centre', async () => {
    const seqs = (): number[] => [
      ...new Set(heard(scene, 'event/alarm').map(({ seq }) => Number(seq))),
    ];
    // Numbers of a lane have no gaps; the first of a unit's life is any number.
    const isWhole = (): boolean => {
      const known = seqs();
      return known.length > 0 && Math.max(...known) - Math.min(...known) === known.length - 1;
    };
    await until('numbers without a gap', isWhole, EVENT_PATIENCE_MS);
    return `${seqs().length} events up to number ${Math.max(...seqs())}`;
  });
}

export async function resets(scene: Scene, pi: Unit): Promise<void> {
  const board = await RawBoard.connect(pi.boardPort, BOARD_SERIAL);
  board.clean();
  await scene.report.proves('a reset over MQTT silences it, seen at the pin', async () => {
    // As long as smoke is believed a reset is refused: that is no failure yet.
    let said = '';
    const isSilent = async (): Promise<boolean> => {
      await commands(scene, 'reset', { zone: 'all' }).catch((error: unknown) => {
        said = String(error);
      });
      await pause(1000);
      return !(await pi.pin(scene.site.line));
    };
    await until('the pin falls', isSilent, ALARM_PATIENCE_MS).catch(() => {
      throw new Error(`the pin does not fall; ${said}`);
    });
  });
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

const updates = (scene: Scene, version: string, phase: string): readonly string[] =>
  heard(scene, 'event/system')
    .filter(({ type }) => type === 'update')
    .map(({ data }) => data as Readonly<Record<string, unknown>>)
    .filter((data) => data['phase'] === phase && data['version'] === version)
    .map((data) => JSON.stringify(data['reason'] ?? null));

const urlOf = (base: string, version: string): string =>
  `${base}/embereye-${version}-linux-arm64.tar.gz`;

/** A newer release is asked for over MQTT, runs on probation, and stays. */
export async function provesUpdate(scene: Scene, base: string): Promise<boolean> {
  const { report } = scene;
  const version = VERSIONS.newer;
  const isTaken = await report.proves(`the command to update to ${version} is taken`, () =>
    commands(scene, 'update', { url: urlOf(base, version), version }),
  );
  if (!isTaken) return false;
  await report.proves(`${version} is fetched, checked, and starts`, () =>
    until('its birth', () => births(scene, version) > 0, UPDATE_PATIENCE_MS),
  );
  return report.proves('it is confirmed after its probation', () =>
    until('the event', () => updates(scene, version, 'confirmed').length > 0, UPDATE_PATIENCE_MS),
  );
}

/** A release that ends as soon as it runs: the one before it is back, and says why. */
export async function provesRollBack(scene: Scene, base: string): Promise<void> {
  const { report } = scene;
  const version = VERSIONS.broken;
  const before = births(scene, VERSIONS.newer);
  await report.proves('a broken release is rolled back, and the reason is published', async () => {
    await commands(scene, 'update', { url: urlOf(base, version), version });
    await until(
      'the event',
      () => updates(scene, version, 'rolledBack').length > 0,
      UPDATE_PATIENCE_MS,
    );
    const [reason = ''] = updates(scene, version, 'rolledBack');
    if (reason.length < 5) throw new Error(`the reason is ${reason}`);
    return `${reason} (its own words: ${BROKEN_WORDS})`;
  });
  await report.proves(`version ${VERSIONS.newer} runs again`, () =>
    until('another birth', () => births(scene, VERSIONS.newer) > before, UPDATE_PATIENCE_MS),
  );
}

/** The process of the trained model lives under the filter of this kernel. */
export async function provesModel(scene: Scene, unit: Unit): Promise<void> {
  await scene.report.proves('the trained model runs, confined', async () => {
    const memory = 'embereye_model_resident_memory_bytes';
    await until(
      'its process',
      async () => ((await unit.metric(memory)) ?? 0) > 0,
      ALARM_PATIENCE_MS,
    );
    const told = heard(scene, 'event/fault').filter(({ data }) =>
      JSON.stringify(data).includes('"model"'),
    );
    if (told.length > 0) throw new Error(JSON.stringify(told[0]?.['data']));
    const restarts = await unit.metric('embereye_model_restarts_total');
    if (restarts !== 0) throw new Error(`its process was started again ${restarts} times`);
    return `${((await unit.metric(memory)) ?? 0) / 1e6} MB`;
  });
}

/** A command over MQTT, and its answer. @throws Error in the unit's words where it says no */
async function commands(scene: Scene, name: string, fields: object): Promise<void> {
  const requestId = randomUUID();
  const body = JSON.stringify({ requestId, actor: 'proof', ...fields });
  await scene.central.publish(`${topicRoot(scene.site)}/command/${name}`, body);
  const answer = (): Bodies[number] | undefined =>
    heard(scene, 'response').find((one) => one['requestId'] === requestId);
  await until(`an answer to ${name}`, () => answer() !== undefined, EVENT_PATIENCE_MS);
  if (answer()?.['ok'] !== true) throw new Error(`${name}: ${String(answer()?.['detail'])}`);
}
