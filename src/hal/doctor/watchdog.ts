/** The machine's hardware watchdog: whether there is one, who feeds it, what systemd is told. */
import type { ProbeFinding } from '../probe.ts';
import type { DoctorWorld } from './world.ts';
import { finding, namesIn, textIn } from './world.ts';

const AREA = 'watchdog';
const SUBJECT = 'watchdog0';
const AT = '/sys/class/watchdog/watchdog0';
/** Later ones win, and of one folder the last by name. */
const SETTINGS = ['/usr/lib/systemd/system.conf.d', '/etc/systemd/system.conf.d'];

export async function watchdogFinding(world: DoctorWorld): Promise<ProbeFinding> {
  const state = await textIn(world, `${AT}/state`);
  const timeout = await textIn(world, `${AT}/timeout`);
  const there = (await namesIn(world, '/dev')).some((name) => /^watchdog\d*$/.test(name));
  if (!state.ok && !there) {
    const found = 'none: nothing restarts a kernel that hangs';
    const remedy = 'a Pi has one: dtparam=watchdog=on in config.txt; others have a module for it';
    return finding(AREA, SUBJECT, 'note', found, remedy);
  }
  const seconds = timeout.ok ? `, ${timeout.value} s` : '';
  if (state.ok && state.value === 'active') return finding(AREA, SUBJECT, 'ok', `fed${seconds}`);
  const wanted = await runtimeWatchdog(world);
  if (wanted === null) {
    const file = '/etc/systemd/system.conf.d/watchdog.conf';
    const remedy = `RuntimeWatchdogSec=14s in ${file} (a Pi takes 15 s at most)`;
    return finding(AREA, SUBJECT, 'note', `there, and nobody feeds it${seconds}`, remedy);
  }
  const found = `RuntimeWatchdogSec=${wanted} is set, and nobody feeds it: the kernel refused`;
  const remedy = 'write 14s (a Pi takes 15 s at most); journalctl -b _PID=1 tells more';
  return finding(AREA, SUBJECT, 'warning', found, remedy);
}

/** What systemd's own settings say; null where none of them names it, or it is off. */
async function runtimeWatchdog(world: DoctorWorld): Promise<string | null> {
  const files: string[] = [];
  for (const folder of SETTINGS) {
    const names = (await namesIn(world, folder)).filter((name) => name.endsWith('.conf')).sort();
    files.push(...names.map((name) => `${folder}/${name}`));
  }
  let wanted: string | null = null;
  for (const file of ['/etc/systemd/system.conf', ...files]) {
    const text = await textIn(world, file);
    if (!text.ok) continue;
    for (const [, value = ''] of text.value.matchAll(/^\s*RuntimeWatchdogSec\s*=\s*(\S*)/gm)) {
      wanted = value;
    }
  }
  return wanted === null || /^(0|off|infinity)?$/.test(wanted) ? null : wanted;
}
