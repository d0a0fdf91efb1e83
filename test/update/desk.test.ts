import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config-schema.ts';
import type { Rollout } from '../../src/domain/command-service.ts';
import type { ClockQuality, DomainEvent, JournalEvent } from '../../src/domain/event.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { PanelView } from '../../src/domain/view.ts';
import { PENDING, UpdateDesk } from '../../src/update/desk.ts';
import { ReportReader, TOLD } from '../../src/update/report.ts';
import { takeRequest } from '../../src/update/request.ts';
import { placeOf } from '../../src/update/rollout.ts';
import type { UpdateState } from '../../src/update/state.ts';
import { begin, confirm, factoryState, rollBack } from '../../src/update/state.ts';
import { writeState } from '../../src/update/state-file.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { quietState } from './site.ts';

const at = '2026-11-23T04:00:00.000Z';
const url = 'https://releases.example/embereye-1.1.0-linux-arm64.tar.gz';
const terms = { origin: 'cli:root', requestId: 'r-1', startedAt: at, baseline: null };
const trial = (id: string) => ({ id, slot: 'a' as const, version: '1.1.0', ...terms });
const zone = { id: 'kitchen', alarm: { sinceMs: 0 }, preAlarm: null, verifying: false };
const burning = { zones: [{ ...zone, disabledUntilMs: null, testUntilMs: null }] };

class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'embereye-desk-'));
  readonly clock = new ManualClock();
  readonly kept = new Map<string, string>();
  readonly events: DomainEvent[] = [];
  readonly faults: FaultNotice[] = [];
  /** What the journal and the ring of the run before hold. */
  before: JournalEvent[] = [];
  looks = 0;
  view = quietState('1.0.0') as PanelView;
  quality: ClockQuality = 'synchronised';
  desk = this.open();

  open(settings: object = {}, wallMs?: number): UpdateDesk {
    const keyed = {
      put: (_: string, key: string, value: string) => void this.kept.set(key, value),
      remove: (_: string, key: string) => void this.kept.delete(key),
      loadAll: () => Promise.resolve(this.kept),
    };
    const recentEvents = () => {
      this.looks += 1;
      return Promise.resolve(this.before);
    };
    const report = new ReportReader({
      ...{ directory: this.folder, keyed, told: this.kept.get(TOLD), recentEvents },
    });
    const { clock } = this;
    const parts = {
      clock:
        wallMs === undefined
          ? clock
          : {
              monotonicMs: () => clock.monotonicMs(),
              wallMs: () => wallMs + clock.monotonicMs(),
              after: clock.after.bind(clock),
              soon: clock.soon.bind(clock),
            },
      settings: configSchema.parse({ update: { remote: true, ...settings } }).update,
      ...{ deviceId: 'unit', version: '1.0.0', runDirectory: this.folder, timezone: null },
      ...{ keyed, report, clockQuality: () => this.quality, wallTime: () => at },
      log: () => undefined,
    };
    this.desk = new UpdateDesk(parts, this.kept.get(PENDING));
    return this.desk;
  }

  async start(): Promise<void> {
    this.desk.start({
      runtime: { record: (event) => void this.events.push(event), view: () => this.view },
      fault: (notice) => void this.faults.push(notice),
    });
    await this.rest();
  }

  /** Real files are read in a tick: it is over when the next one is due. */
  async wait(ticks: number): Promise<void> {
    await this.rest();
    for (let tick = 0; tick < ticks; tick += 1) {
      await this.clock.run(2000);
      await this.rest();
    }
  }

  async rest(): Promise<void> {
    while (this.clock.pending === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  write(state: UpdateState): void {
    writeState(this.folder, state);
  }

  get told(): readonly string[] {
    return this.events.flatMap((event) =>
      event.type === 'update' ? [`${event.data.phase} ${event.data.version}`] : [],
    );
  }

  async ask(more: Partial<Rollout> = {}, requestId = 'r-9') {
    const rollout = { url, version: '1.1.0', percentage: null, window: null, ...more };
    const { request } = this.desk;
    if (request === null) throw new Error('no update is taken');
    return await request({ rollout, requestId, origin: 'mqtt:centre' }, this.view);
  }

  request() {
    return takeRequest(this.folder);
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => {
  bench.desk.stop();
  rmSync(bench.folder, { recursive: true });
});

describe('what the updater left is told', () => {
  const started = begin(factoryState('1.0.0'), trial('u-1'));
  const undone = rollBack(started, trial('u-1'), at, 'it hangs');

  it('once, also through restarts', async () => {
    bench.write(started);
    await bench.start();
    expect(bench.told).toEqual(['started 1.1.0']);
    await bench.wait(2);
    bench.write(undone);
    await bench.wait(2);
    expect(bench.told).toEqual(['started 1.1.0', 'rolledBack 1.1.0']);
    bench.desk.stop();
    bench.open();
    await bench.start();
    await bench.wait(3);
    expect(bench.told).toHaveLength(2);
    expect(bench.looks).toBe(1);
  });

  it('once, where the run before had no time to remember it', async () => {
    bench.write(undone);
    await bench.start();
    expect(bench.told).toHaveLength(2);
    // The journal has them; what remembers them is lost with a kill.
    bench.before = bench.events as JournalEvent[];
    bench.kept.clear();
    bench.desk.stop();
    bench.open();
    await bench.start();
    await bench.wait(3);
    expect(bench.told).toHaveLength(2);
    expect(bench.kept.has(TOLD)).toBe(false);
  });

  it('is remembered only one turn later: what no step has taken may still be lost', async () => {
    bench.write(started);
    await bench.start();
    expect(bench.told).toHaveLength(1);
    expect(bench.kept.has(TOLD)).toBe(false);
    await bench.wait(1);
    expect(bench.kept.get(TOLD)).toBe('["u-1-started"]');
  });

  it('a roll-back stands until the next update is confirmed', async () => {
    bench.write(undone);
    await bench.start();
    expect(bench.faults).toMatchObject([
      { fault: 'updateRolledBack', subject: 'update', raised: true, detail: '1.1.0: it hangs' },
    ]);
    expect(bench.faults[0]?.supervisory).toBe(true);
    await bench.wait(2);
    expect(bench.faults).toHaveLength(1);
    const next = { ...trial('u-2'), version: '1.1.1' };
    bench.write(confirm(begin(undone, next), next, at, 'well'));
    await bench.wait(2);
    expect(bench.faults.slice(1)).toMatchObject([{ fault: 'updateRolledBack', raised: false }]);
  });

  it('one that cannot be read is told, and ends when it can', async () => {
    writeFileSync(join(bench.folder, 'state.json'), '{');
    await bench.start();
    expect(bench.faults).toMatchObject([{ fault: 'updateStateUnreadable', raised: true }]);
    bench.write(factoryState('1.0.0'));
    await bench.wait(1);
    expect(bench.faults.at(-1)).toMatchObject({ fault: 'updateStateUnreadable', raised: false });
  });
});

describe('the command update', () => {
  it('is taken where it is allowed, and handed over at once', async () => {
    expect(bench.open({ remote: false }).request).toBeNull();
    expect(bench.open({ enabled: false }).request).toBeNull();
    bench.open();
    await bench.start();
    expect(await bench.ask()).toMatchObject({ ok: true, detail: '1.1.0 is taken: it starts now' });
    expect(bench.told).toEqual(['requested 1.1.0']);
    expect(bench.request()).toMatchObject({ url, version: '1.1.0', origin: 'mqtt:centre' });
    expect(bench.request()).toBeNull();
  });

  it('is refused where it is older, on trial, or not among the first', async () => {
    await bench.start();
    expect(await bench.ask({ version: '0.9.0' })).toMatchObject({ error: 'notApplicable' });
    expect(await bench.ask({ version: '1.0.0' })).toMatchObject({ ok: true });
    expect(await bench.ask({ version: 'x' })).toMatchObject({ error: 'badArgument' });
    const place = placeOf('unit', '1.1.0');
    expect(await bench.ask({ percentage: place })).toMatchObject({ error: 'notApplicable' });
    bench.write(begin(factoryState('1.0.0'), trial('u-1')));
    await bench.wait(1);
    const refused = await bench.ask({ percentage: 100 });
    expect(refused).toMatchObject({ error: 'notApplicable' });
    expect(refused.detail).toContain('on trial');
    expect(bench.request()).toBeNull();
  });

  it('waits for the end of an alarm, also through a restart', async () => {
    await bench.start();
    bench.view = quietState('1.0.0', burning) as PanelView;
    const { detail } = await bench.ask();
    expect(detail).toBe('1.1.0 is taken: it waits: alarm in zone:kitchen');
    await bench.wait(3);
    expect(existsSync(join(bench.folder, 'update'))).toBe(false);
    expect(bench.desk.isWaiting).toBe(true);
    bench.desk.stop();
    bench.open();
    await bench.start();
    await bench.wait(1);
    expect(bench.request()).toBeNull();
    bench.view = quietState('1.0.0') as PanelView;
    await bench.wait(2);
    expect(bench.request()).toMatchObject({ version: '1.1.0' });
    expect(bench.kept.has(PENDING)).toBe(false);
  });

  const window = { from: '02:00', to: '04:00', utc: true };
  it.each([
    ['01:59:50', true],
    ['04:00:00', false],
  ])('starts in its hours: begun at %s', async (time, starts) => {
    bench.open({}, Date.parse(`2026-11-23T${time}Z`) - bench.clock.monotonicMs());
    await bench.start();
    expect((await bench.ask({ window })).detail).toContain('not before 02:00..04:00 UTC');
    await bench.wait(10);
    expect(bench.request() !== null).toBe(starts);
  });

  it('does not start by a clock that nobody has set, and says so', async () => {
    bench.open({}, Date.parse('2026-11-23T03:00:00Z'));
    await bench.start();
    bench.quality = 'unsynchronised';
    expect((await bench.ask({ window })).detail).toContain('the time of day is not known here');
    await bench.wait(3);
    expect(bench.request()).toBeNull();
    bench.quality = 'synchronised';
    await bench.wait(1);
    expect(bench.request()).not.toBeNull();
  });

  it('goes by the configured hours where it names none', async () => {
    bench.open({ window }, Date.parse('2026-11-23T12:00:00Z'));
    await bench.start();
    expect((await bench.ask()).detail).toContain('not before 02:00..04:00 UTC');
  });

  it('that nobody takes is given up, and told with the remedy', async () => {
    await bench.start();
    await bench.ask();
    await bench.wait(32);
    expect(bench.told).toEqual(['requested 1.1.0', 'refused 1.1.0']);
    expect(JSON.stringify(bench.events.at(-1))).toContain('embereye-update.path');
    expect(bench.request()).toBeNull();
  });

  it('that cannot be handed over is told', async () => {
    await bench.start();
    writeFileSync(join(bench.folder, 'update'), 'a file where the folder should be');
    await bench.ask();
    expect(bench.told).toEqual(['requested 1.1.0', 'refused 1.1.0']);
  });
});

describe('a request', () => {
  it('that is none is taken away and refused', () => {
    mkdirSync(join(bench.folder, 'update'));
    const path = join(bench.folder, 'update/request.json');
    for (const text of ['', '{}', '[]', '{"schema":1,"url":"file:///etc/shadow"}']) {
      writeFileSync(path, text);
      expect(() => bench.request(), text).toThrow('is no request for an update');
      expect(existsSync(path)).toBe(false);
    }
    mkdirSync(path);
    expect(() => bench.request()).toThrow('cannot be taken away');
  });

  it('is written for everybody to read, and holds no more than it must', async () => {
    await bench.start();
    await bench.ask();
    const text = readFileSync(join(bench.folder, 'update/request.json'), 'utf8');
    expect(Object.keys(JSON.parse(text) as object).sort()).toEqual([
      ...['origin', 'requestId', 'schema', 'url', 'version'],
    ]);
  });
});
