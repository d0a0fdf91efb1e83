import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createDoctorWorld } from '../../src/commands/doctor-world.ts';
import type { DoctorReport } from '../../src/commands/doctor.ts';
import { runDoctor } from '../../src/commands/doctor.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { DEFAULT_BOX_LIMITS } from '../../src/hal/box/readers.ts';
import { createKernelFiles } from '../../src/hal/kernel-files.ts';
import { simulatedHardware } from '../../src/hal/simulated-hardware.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { embereye, PROJECT_ROOT, Scratch } from './processes.ts';

const STATES = ['ok', 'note', 'warning', 'failed', 'skipped'];
const onLinux = existsSync('/proc/self/auxv');

function checkReport(text: string, code: number | null): DoctorReport {
  const report = JSON.parse(text) as DoctorReport;
  const failed = report.findings.filter(({ state }) => state === 'failed');
  expect(report.ok).toBe(failed.length === 0);
  expect(code).toBe(report.ok ? EXIT.ok : EXIT.failed);
  for (const { area, subject, state, found, remedy } of report.findings) {
    expect(area).not.toBe('');
    expect(subject).not.toBe('');
    expect(STATES).toContain(state);
    expect(found, `${area}: ${subject}`).not.toMatch(/undefined|NaN|\[object/);
    if (state === 'failed') expect(remedy ?? '', `${area}: ${subject}`).not.toBe('');
  }
  return report;
}

describe.skipIf(!onLinux)('doctor on this machine (needs Linux)', () => {
  const scratch = new Scratch();
  afterAll(() => scratch.remove());

  /** The command itself, with the real world of this machine. */
  async function doctor(config: string | null): Promise<{ code: number; out: string }> {
    const clock = systemClock();
    const out: string[] = [];
    const code = await runDoctor(
      { config, json: true, outputs: false, yes: false },
      {
        io: { out: (line) => out.push(line), err: () => undefined },
        environment: {},
        checks: PLAN_CHECKS,
        world: createDoctorWorld({ clock, files: createKernelFiles({ clock }), adjtimex: null }),
        defaultConfig: '/nowhere/appliance.yaml',
        columns: 120,
        openHardware: () => Promise.resolve(simulatedHardware(clock)),
        boxLimits: () => DEFAULT_BOX_LIMITS,
        confirm: () => Promise.resolve(false),
        hearSignals: () => ({ signal: new AbortController().signal, end: () => undefined }),
        exported: () => false,
      },
    );
    return { code, out: out.join('\n') };
  }

  it('lists what the kernel says', async () => {
    const { code, out } = await doctor(null);
    const report = checkReport(out, code);
    const found = (area: string, subject: string) =>
      report.findings.find((one) => one.area === area && one.subject === subject)?.found;
    expect(found('system', 'kernel')).toMatch(/^\d+\.\d+.*, pages of \d+ KiB$/);
    expect(found('system', 'Node')).toBe(process.version);
    expect(found('box', 'readings')).toMatch(/memoryAvailableMegabytes [1-9][\d.]* MB/);
    expect(found('box', 'readings')).toMatch(/diskFreeMegabytes [1-9][\d.]* MB/);
  });

  it('finds a free port free, a taken one taken, and a closed broker closed', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const closed = (free.address() as AddressInfo).port;
    await new Promise((resolve) => free.close(resolve));
    const file = join(scratch.disk, 'doctor.yaml');
    writeFileSync(
      file,
      [
        `state: { directory: ${scratch.disk}, runDirectory: ${scratch.disk} }`,
        `ingest: { host: 127.0.0.1, port: ${port} }`,
        `http: { host: 127.0.0.1, port: 0 }`,
        'gpio: { backend: simulated }',
        'uplink:',
        '  brokers:',
        `    - { id: open, url: 'mqtt://127.0.0.1:${port}' }`,
        `    - { id: shut, url: 'mqtt://127.0.0.1:${closed}' }`,
        `    - { id: nameless, url: 'mqtt://nowhere.invalid:1883' }`,
      ].join('\n'),
    );
    const { code, out } = await doctor(file);
    taken.close();
    const { findings } = checkReport(out, code);
    const state = (area: string, subject: string) =>
      findings.find((one) => one.area === area && one.subject === subject)?.state;
    expect(code).toBe(EXIT.failed);
    expect(state('ports', `ingest.port ${port}`)).toBe('failed');
    expect(state('ports', 'http.port 0')).toBe('ok');
    expect(state('broker:open', `127.0.0.1:${port}`)).toBe('ok');
    expect(state('broker:shut', `127.0.0.1:${closed}`)).toBe('failed');
    expect(state('broker:nameless', 'nowhere.invalid:1883')).toBe('failed');
    expect(state('state', scratch.disk)).toMatch(/ok|warning/);
  });
});

describe('the doctor of the command line', () => {
  it('prints JSON for this machine, with its exit code', async () => {
    const { code, out } = await embereye(['doctor', '--json']);
    checkReport(out, code);
  });

  it('looks at the shipped configuration: its chip is not here', async () => {
    const file = join(PROJECT_ROOT, 'config/appliance.yaml');
    const { code, out } = await embereye(['doctor', file, '--json']);
    const { findings } = checkReport(out, code);
    expect(findings.map(({ area }) => area)).toEqual(
      expect.arrayContaining(['output:siren', 'broker:central', 'state']),
    );
  });

  it('a wrong configuration is 3, a wrong command line 2', async () => {
    expect((await embereye(['doctor', '/nowhere.yaml'])).code).toBe(EXIT.badInput);
    expect((await embereye(['doctor', '--nothing'])).code).toBe(EXIT.usage);
  });
});
