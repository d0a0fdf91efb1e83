/** Whatever is broken at the start: the appliance runs, alarms, and says what is wrong. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import { Listener, RawBoard } from './field.ts';
import { eventually, Scratch } from './processes.ts';
import { type Settings, Unit } from './unit.ts';

const probe = new Scratch();
const canMount = mount(probe.disk);
if (canMount) spawnSync('umount', [probe.disk]);
probe.remove();

/** A file system so small that a database does not fit; only root may make one. */
function mount(folder: string, size = '64k'): boolean {
  const options = ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder];
  return spawnSync('mount', options).status === 0;
}

function occupy(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

describe.skipIf(!hasMosquitto)('a start with something broken', () => {
  const broker = new Mosquitto();
  let unit: Unit;
  let listener: Listener;

  beforeAll(async () => {
    await broker.start();
    listener = await Listener.start(broker.port);
  });
  afterEach(() => unit.remove());
  afterAll(async () => {
    await listener.end();
    await broker.remove();
  });

  const central = () => ({
    id: 'central',
    url: `mqtt://127.0.0.1:${broker.port}`,
  });
  const prepare = async (settings: Settings = {}) => {
    unit = await Unit.prepare({
      uplink: { brokers: [central()] },
      ...settings,
    });
    return unit;
  };
  /** Starts the unit; gives the id of this boot once the centre knows it. */
  const begin = async (): Promise<unknown> => {
    const starts = () => listener.events('system').filter(({ type }) => type === 'started');
    const before = starts().length;
    await unit.start();
    return eventually('the start is told', () => starts()[before]?.['bootId']);
  };
  const onFaultLane = (fault: string) =>
    listener.event('fault', ({ data }) => (data as { fault: string }).fault === fault);
  /** The point of it all: whatever is broken, smoke on a board sounds the siren. */
  const alarms = async () => {
    const board = await RawBoard.connect(unit.boardPort, 'A');
    board.smoke();
    await unit.siren(true);
    board.close();
  };

  it('the board port in use: a fault, until it is free', async () => {
    await prepare();
    const other = await occupy(unit.boardPort);
    await unit.start();
    const { detail } = await unit.fault('ingestUnavailable');
    expect(detail).toContain(String(unit.boardPort));
    await onFaultLane('ingestUnavailable');
    await new Promise((resolve) => other.close(resolve));
    await unit.faultGone('ingestUnavailable');
    await alarms();
  });

  it('the health port in use: the alarm path does not need it', async () => {
    await prepare();
    const other = await occupy(unit.httpPort);
    unit.launch();
    const { data } = await onFaultLane('healthUnavailable');
    expect((data as { detail: string }).detail).toContain('the port is in use');
    await alarms();
    await new Promise((resolve) => other.close(resolve));
  });

  it('a broker that is absent and one that refuses: told, and served when they come', async () => {
    const [absentPort, strict] = [await freePort(), new Mosquitto(['allow_anonymous false'])];
    await strict.start();
    const brokers = [
      central(),
      { id: 'absent', url: `mqtt://127.0.0.1:${absentPort}` },
      { id: 'strict', url: `mqtt://127.0.0.1:${strict.port}` },
    ];
    await prepare({ uplink: { brokers } });
    await unit.start();
    await alarms();
    const unreachable = () =>
      listener
        .events('fault')
        .map(({ data, type }) => ({
          type,
          ...(data as { fault: string; subject: string }),
        }))
        .filter(({ fault }) => fault === 'brokerUnreachable');
    await eventually('both are told', () => unreachable().length === 2, 60_000);
    expect(unreachable().map(({ subject }) => subject)).toEqual(['uplink:absent', 'uplink:strict']);
    await strict.remove();
    const open = await brokerAt(absentPort);
    const there = await Listener.start(absentPort);
    // By now the appliance waits up to half a minute between two attempts.
    await there.event('alarm', ({ type }) => type === 'alarm', 60_000);
    await listener.event('fault', ({ type, data }) => {
      return type === 'faultRestored' && JSON.stringify(data).includes('uplink:absent');
    });
    await there.end();
    await open.remove();
  }, 180_000);

  it.skipIf(!canMount)('the state directory on a full disk (needs root)', async () => {
    await prepare();
    mkdirSync(unit.stateFolder);
    expect(mount(unit.stateFolder)).toBe(true);
    try {
      spawnSync('dd', ['if=/dev/zero', `of=${join(unit.stateFolder, 'ballast')}`, 'bs=4k']);
      await unit.start();
      await alarms();
      const faults = (await unit.faults()).map(({ fault }) => fault);
      expect(faults).toContain('configNotKept');
      await listener.event('alarm', ({ type }) => type === 'alarm');
      await unit.fault('storeFull');
      await unit.fault('snapshotFailed');
      await unit.end('SIGTERM');
    } finally {
      await unit.end('SIGKILL');
      spawnSync('umount', [unit.stateFolder]);
    }
  });

  it.skipIf(!canMount)('a disk that fills up and gets room again (needs root)', async () => {
    await prepare();
    mkdirSync(unit.stateFolder);
    // Room for the start: the alarm file, the reserve, the database, its log and a snapshot.
    expect(mount(unit.stateFolder, '40m')).toBe(true);
    const ballast = join(unit.stateFolder, 'ballast');
    try {
      await unit.start();
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k']);
      await alarms();
      await listener.event('alarm', ({ type }) => type === 'alarm');
      await unit.fault('storeFull');
      rmSync(ballast);
      await unit.faultGone('storeFull');
      await unit.faultGone('snapshotFailed');
      await unit.end('SIGKILL');
      await unit.start();
      await unit.siren(true);
    } finally {
      await unit.end('SIGKILL');
      spawnSync('umount', [unit.stateFolder]);
    }
  });

  it('a database that is garbage, and one that is a folder: set aside', async () => {
    await prepare();
    mkdirSync(unit.stateFolder);
    writeFileSync(join(unit.stateFolder, 'journal.db'), Buffer.alloc(40_000, 'no database '));
    await unit.start();
    await unit.fault('storeCorrupt');
    await onFaultLane('storeCorrupt');
    await alarms();
    await unit.remove();
    await prepare();
    mkdirSync(join(unit.stateFolder, 'journal.db'), { recursive: true });
    await unit.start();
    await unit.fault('storeCorrupt');
    const names = readdirSync(unit.stateFolder);
    expect(names.some((name) => name.startsWith('journal.db.bad-'))).toBe(true);
    await alarms();
  });

  it('a database that was damaged between two runs: numbers and ids go on', async () => {
    await prepare();
    const first = await begin();
    await alarms();
    const before = await listener.event('alarm', ({ bootId }) => bootId === first);
    await unit.end('SIGKILL');
    for (const name of ['journal.db', 'journal.db-wal']) {
      writeFileSync(join(unit.stateFolder, name), Buffer.alloc(20_000, 7));
    }
    const second = await begin();
    await unit.siren(true);
    await unit.fault('storeCorrupt');
    const board = await RawBoard.connect(unit.boardPort, 'B');
    board.smoke();
    const { seq, id } = await listener.event('alarm', ({ bootId, data }) => {
      return bootId === second && (data as { zone: string }).zone === 'b';
    });
    board.close();
    expect(seq).toBeGreaterThan(before['seq'] as number);
    expect(String(id) > String(before['id'])).toBe(true);
  });

  it('a snapshot and a ring that are garbage: told, and the alarm comes from the journal', async () => {
    await prepare();
    await unit.start();
    await alarms();
    await eventually('the alarm is durable', async () => {
      return (await unit.metrics()).get('embereye_store_backlog_events') === 0;
    });
    await unit.end('SIGKILL');
    for (const name of ['panel.snapshot', 'panel.snapshot.previous', 'panel.snapshot.next']) {
      writeFileSync(join(unit.stateFolder, name), 'embereye-snapshot 1 9 00000000\n{"version"');
    }
    writeFileSync(join(unit.runFolder, 'ring'), Buffer.alloc(5000, 0xee));
    unit.forgetLevels();
    await unit.start();
    await unit.siren(true);
    await unit.fault('snapshotDamaged');
    await unit.fault('ringDamaged');
    await onFaultLane('snapshotDamaged');
    await onFaultLane('ringDamaged');
  });

  it('a GPIO chip that this machine does not have: every line is a fault', async () => {
    await prepare({
      gpio: {
        backend: 'onoff',
        outputs: [{ id: 'siren', role: 'siren', chip: 'pinctrl-none', line: 17 }],
        inputs: [{ id: 'reset', role: 'reset', chip: 'pinctrl-none', line: 5 }],
      },
    });
    const boot = await begin();
    expect(await unit.fault('outputFailed')).toMatchObject({
      subject: 'output:siren',
    });
    expect(await unit.fault('inputFailed')).toMatchObject({
      subject: 'input:reset',
    });
    await onFaultLane('outputFailed');
    const board = await RawBoard.connect(unit.boardPort, 'A');
    board.smoke();
    await listener.event('alarm', ({ bootId }) => bootId === boot);
    board.close();
  });
});

async function brokerAt(port: number): Promise<Mosquitto> {
  const broker = new Mosquitto();
  broker.reservePort = async () => port;
  await broker.start();
  return broker;
}
