/** The services of docker-compose.yml together: alarm, kill, hang, stop, and who is what in there. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RawBoard } from '../e2e/field.ts';
import { eventually, pause } from '../e2e/processes.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import type { Compose, Service } from './compose.ts';
import type { Container, Engine } from './engine.ts';
import { writeInto } from './engine.ts';
import { holdMainThread } from './hold.ts';
import type { Report } from './report.ts';
import { must } from './report.ts';

/** Of the image's user: Dockerfile. */
const UID = 488;
const SIREN = 17;
const FAULT_RELAY = 22;
/** How long a start, a restart or an end may take; emulated processors are slower. */
const PATIENCE_MS = 60_000;
const SLOW_PATIENCE_MS = 240_000;
/** A page that does not come within this time does not come. */
const ANSWER_MS = 10_000;
/** Where a process of the appliance may write; besides, /proc, /sys and /dev have rules of their own. */
const WRITABLE = ['/run/embereye', '/tmp', '/var/lib/embereye'];
/** For `service.exitAfterSeconds`; an emulated processor may stand still for longer than 5 s. */
const EXIT_AFTER_SECONDS = 5;
const SLOW_EXIT_AFTER_SECONDS = 60;

export interface SiteParts {
  readonly engine: Engine;
  readonly compose: Compose;
  /** Its processor is emulated: everything takes longer. */
  readonly isEmulated: boolean;
}

/** Two services, their ports on this machine, and what they are started with. */
export class Site {
  readonly boardPort: number;
  readonly httpPort: number;
  readonly #engine: Engine;
  readonly #compose: Compose;
  readonly #patienceMs: number;
  #runtime: Container | null = null;
  #holder: Container | null = null;

  private constructor(
    { engine, compose, isEmulated }: SiteParts,
    ports: readonly [board: number, http: number],
  ) {
    [this.boardPort, this.httpPort] = ports;
    this.#engine = engine;
    this.#compose = compose;
    this.#patienceMs = isEmulated ? SLOW_PATIENCE_MS : PATIENCE_MS;
  }

  static async make(parts: SiteParts): Promise<Site> {
    const { engine } = parts;
    const site = new Site(parts, [await freePort(), await freePort()]);
    await engine.makeVolumes();
    const zone = { id: 'a', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] };
    const config = {
      device: { id: 'unit' },
      boards: [{ id: 'a', match: { serial: 'A' } }],
      zones: [zone],
      // It does not load in its time on an emulated processor; `npm run test:arm64` has it.
      model: { enabled: !parts.isEmulated },
      service: {
        exitAfterSeconds: parts.isEmulated ? SLOW_EXIT_AFTER_SECONDS : EXIT_AFTER_SECONDS,
      },
      gpio: {
        backend: 'simulated',
        mirrorDirectory: '/run/embereye/lines',
        outputs: [
          { id: 'siren', role: 'siren', line: SIREN },
          { id: 'fault', role: 'faultRelay', line: FAULT_RELAY },
        ],
      },
    };
    writeInto(engine.volume('config'), 'appliance.yaml', JSON.stringify(config), UID);
    return site;
  }

  get runtime(): Container {
    if (this.#runtime === null) throw new Error('the runtime was not started');
    return this.#runtime;
  }

  get holder(): Container {
    if (this.#holder === null) throw new Error('the GPIO holder was not started');
    return this.#holder;
  }

  service(name: string): Service {
    const found = this.#compose.services[name];
    if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return found;
  }

  async startHolder(): Promise<void> {
    this.#holder = await this.#engine.start('gpio-holder', this.service('gpio-holder'));
  }

  /** As an engine does after an end: the same service, the same volumes, a new container. */
  async startRuntime(): Promise<void> {
    this.#runtime = await this.#engine.start('runtime', this.service('runtime'), {
      EMBEREYE__ingest__port: `${this.boardPort}`,
      EMBEREYE__http__port: `${this.httpPort}`,
    });
    await this.eventually('healthy', async () => {
      must(this.runtime.running, `it ended: ${this.runtime.said}`);
      return (await this.page('/health'))?.status === 200;
    });
  }

  async page(path: string): Promise<{ status: number; text: string } | null> {
    try {
      const within = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch(`http://127.0.0.1:${this.httpPort}${path}`, { signal: within });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return null; // not listening yet, or not answering any more
    }
  }

  async eventually(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    let ready = '';
    const said = (): string => `${what}\n${ready}\n${this.#runtime?.said.slice(-1500) ?? ''}`;
    const lookOnce = async (): Promise<boolean> => {
      const found = await look();
      if (!found) ready = (await this.page('/ready'))?.text ?? ready;
      return found;
    };
    await eventually(said, lookOnce, this.#patienceMs);
  }

  level(line: number): string {
    const file = join(this.#engine.volume('run'), 'lines', `simulated-${line}`, 'value');
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      return 'not opened';
    }
  }

  /** As the engine asks. */
  healthcheck(name: 'runtime' | 'gpio-holder'): { code: number; out: string } {
    const [, ...command] = this.service(name).healthcheck?.test ?? [];
    return (name === 'runtime' ? this.runtime : this.holder).run(command);
  }
}

export async function checkRunning(report: Report, site: Site): Promise<void> {
  await report.check('the GPIO holder starts without a device', async () => {
    await site.startHolder();
    await site.eventually('asked', () => site.healthcheck('gpio-holder').code === 0);
    return 'its health check says 0';
  });
  const started = await report.check('the runtime starts', async () => {
    await site.startRuntime();
    return '/health answers 200';
  });
  if (!started) return;
  await checkRights(report, site);
  await report.check('its health check', () => {
    const { code, out } = site.healthcheck('runtime');
    must(code === 0, `exit code ${code}: ${out}`);
    return `exit code 0: ${out.trim()}`;
  });
  await report.check('no fault of the container itself', async () => {
    const ready = (await site.page('/ready'))?.text ?? '';
    const wrong = ['gpioHolderDown', 'ringOnDisk', 'ringUnavailable', 'storeUnavailable'];
    const found = wrong.filter((name) => ready.includes(`"${name}"`));
    must(found.length === 0, ready);
    return `none of ${wrong.join(', ')}`;
  });
  await checkKill(report, site);
  await checkHang(report, site);
  await report.check('docker stop', async () => {
    const { code } = await site.runtime.end('SIGTERM');
    must(code === 0, `exit code ${code ?? 'none'}: ${site.runtime.said}`);
    return 'exit code 0';
  });
}

async function checkRights(report: Report, site: Site): Promise<void> {
  await report.check('nobody is root, nobody has or can get a capability', () => {
    const all = [...site.holder.processes(), ...site.runtime.processes()];
    must(all.length >= 4, `only ${all.length} processes`);
    for (const { command, status } of all) {
      const rights = ['Uid', 'CapEff', 'CapPrm', 'CapBnd', 'NoNewPrivs', 'Groups'];
      const said = rights.map((name) => `${name} ${status.get(name) ?? ''}`).join(', ');
      const uids = (status.get('Uid') ?? '').split(/\s+/).map(Number);
      must(
        uids.every((uid) => uid === UID),
        `${command}: ${said}`,
      );
      const sets = ['CapEff', 'CapPrm', 'CapBnd'].map((name) => status.get(name) ?? 'f');
      must(
        sets.every((set) => /^0+$/.test(set)),
        `${command}: ${said}`,
      );
      must(status.get('NoNewPrivs') === '1', `${command}: ${said}`);
    }
    return `${all.length} processes in two containers, uid ${UID}, no capability, no new privileges`;
  });
  await report.check('tini is the first process', () => {
    const first = site.runtime.processes().find(({ pid }) => pid === site.runtime.pid);
    must(first?.command.startsWith('tini --') === true, `it is ${first?.command ?? 'not there'}`);
    return first?.command ?? '';
  });
  await report.check('what it may write', () => {
    const shell =
      'find / \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o -type d -writable -print';
    const { out } = site.runtime.run(['sh', '-c', shell], 'embereye');
    const folders = out.split('\n').filter((line) => line.startsWith('/'));
    const others = folders.filter(
      (path) => !WRITABLE.some((one) => path === one || path.startsWith(`${one}/`)),
    );
    must(others.length === 0 && folders.length > 2, `also ${others.join(', ')}: ${out}`);
    const root = site.runtime.run(['sh', '-c', 'touch /etc/x /opt/embereye/x 2>&1'], 'root');
    must(root.out.includes('Read-only file system'), `root may: ${root.out}`);
    return `${WRITABLE.join(', ')}; not even root anything else`;
  });
  await report.check('devices are handed over, the holder has none', () => {
    const path = (container: Container) => `/proc/${container.pid}/root/dev/gpiochip0`;
    const { uid, mode } = statSync(path(site.runtime));
    must(uid === UID && (mode & 0o777) === 0o600, `uid ${uid}, mode ${mode.toString(8)}`);
    must(statSync(path(site.holder), { throwIfNoEntry: false }) === undefined, 'the holder has it');
    return '/dev/gpiochip0, root:root 0600, is embereye:root 0600 in the runtime alone';
  });
}

async function checkKill(report: Report, site: Site): Promise<void> {
  let board: RawBoard | null = null;
  const alarmed = await report.check('smoke sounds the siren', async () => {
    board = await RawBoard.connect(site.boardPort, 'A');
    board.clean();
    await site.eventually('the fault relay rises', () => site.level(FAULT_RELAY) === '1');
    await pause(1000);
    board.smoke();
    await site.eventually('the siren', () => site.level(SIREN) === '1');
    return 'line 17 is high';
  });
  (board as RawBoard | null)?.close();
  if (!alarmed) return;
  await report.check('the container is killed in the alarm', async () => {
    await site.runtime.end('SIGKILL');
    await site.eventually('the fault relay drops', () => site.level(FAULT_RELAY) === '0');
    must(site.level(SIREN) === '1', `line 17 is ${site.level(SIREN)}`);
    return 'the holder in its own container: fault relay dropped, siren kept';
  });
  await report.check('the next container goes on', async () => {
    await site.startRuntime();
    must(site.level(SIREN) === '1', `line 17 is ${site.level(SIREN)}`);
    const { out } = site.runtime.run(['embereye-container', 'status']);
    must(/alarm/i.test(out), `the alarm is not latched: ${out}`);
    return 'healthy, siren high, the alarm is latched';
  });
}

async function checkHang(report: Report, site: Site): Promise<void> {
  const ended = await report.check('the step stops', async () => {
    const release = await holdMainThread(site.runtime);
    try {
      await site.eventually('the health check fails', () => site.healthcheck('runtime').code === 1);
      const { code } = await site.runtime.child.ended;
      must(code !== 0, `exit code ${code ?? 'none'}`);
      const why = site.runtime.said.split('\n').find((line) => line.startsWith('ended:')) ?? '';
      must(why !== '', `it did not say why: ${site.runtime.said.slice(-500)}`);
      return `health check 1, then the container ended with ${code ?? 'a signal'}: ${why}`;
    } finally {
      await release();
    }
  });
  if (!ended) return;
  await report.check('and is started again', async () => {
    await site.startRuntime();
    return 'healthy';
  });
}
