import { describe, expect, it } from 'vitest';
import { diskFinding } from '../../src/hal/doctor/disk.ts';
import { watchdogFinding } from '../../src/hal/doctor/watchdog.ts';
import { DoctorModel } from './doctor-models.ts';

describe('the disk of the state', () => {
  it.each([
    ['ext4', 'rw,noatime', 'ok', /^ext4 \(\/data\)$/],
    ['ext4', 'rw,relatime,errors=remount-ro', 'ok', /^ext4/],
    ['ext4', 'rw', 'note', /writes its time/],
    ['ext4', 'rw,noatime,data=writeback', 'warning', /old blocks/],
    ['ext4', 'rw,noatime,nobarrier', 'failed', /barriers/],
    ['ext4', 'rw,sync,noatime', 'warning', /wears/],
    ['tmpfs', 'rw,relatime', 'failed', /latched alarms/],
    ['overlay', 'rw,relatime', 'warning', /container/],
    ['vfat', 'rw,relatime', 'warning', /power cut/],
    ['nfs4', 'rw,relatime', 'warning', /power cut/],
  ])('%s with %s: %s', async (type, options, state, words) => {
    const pi = new DoctorModel('pi4');
    pi.set('/proc/mounts', `root / ext4 rw 0 0\n/dev/x /data ${type} ${options} 0 0\n`);
    const found = await diskFinding(pi, '/data/embereye');
    expect(found).toMatchObject({ area: 'state', state });
    expect(found.found).toMatch(words);
    expect(found.remedy === null).toBe(state === 'ok');
  });
});

describe('the hardware watchdog', () => {
  const AT = '/sys/class/watchdog/watchdog0';
  const machine = (state: string): DoctorModel => {
    const pi = new DoctorModel('pi4');
    pi.set(`${AT}/state`, state);
    pi.set(`${AT}/timeout`, '15');
    return pi;
  };

  it('is fed, is not, or is refused by the kernel', async () => {
    expect(await watchdogFinding(machine('active'))).toMatchObject({ state: 'ok' });
    const idle = machine('inactive');
    expect(await watchdogFinding(idle)).toMatchObject({ state: 'note' });
    idle.set('/usr/lib/systemd/system.conf.d/a.conf', '[Manager]\nRuntimeWatchdogSec=30s\n');
    const refused = await watchdogFinding(idle);
    expect(refused).toMatchObject({ state: 'warning' });
    expect(refused.found).toContain('RuntimeWatchdogSec=30s is set');
    idle.set('/etc/systemd/system.conf.d/b.conf', '[Manager]\nRuntimeWatchdogSec=off\n');
    expect(await watchdogFinding(idle)).toMatchObject({ state: 'note' });
  });
});
