/** Checks of `uplink.commands` that go beyond single fields. */
import type { Config } from './config-schema.ts';
import type { Finding } from './config-problems.ts';

/** What contradicts itself: keys of one name, keys that nobody could use, times out of order. */
export function commandFindings({ uplink }: Config): readonly Finding[] {
  const { keys, require, configure, level } = uplink.commands;
  const path = ['uplink', 'commands'];
  const findings: Finding[] = [];
  for (const [i, { id }] of keys.entries()) {
    if (keys.findIndex((key) => key.id === id) === i) continue;
    const problem = `key "${id}" is named twice`;
    findings.push({ path: [...path, 'keys', i, 'id'], problem, remedy: 'give each its own id' });
  }
  const fits = keys.filter(({ algorithm }) => require === 'token' || algorithm !== 'token');
  if (require !== 'none' && fits.length === 0) {
    findings.push({
      path: [...path, 'require'],
      problem: `no key could meet it: nobody could command this appliance`,
      remedy: `add one under keys${require === 'signature' ? ', ed25519 or hmacSha256' : ''}`,
    });
  }
  if (!configure.enabled) return findings;
  const installers = require === 'none' ? [...keys, { level }] : fits;
  if (!installers.some((one) => one.level === 'installer')) {
    findings.push({
      path: [...path, 'configure', 'enabled'],
      problem: 'nobody may use it: it needs the level installer',
      remedy: 'give a key that level',
    });
  }
  if (configure.steadySeconds >= configure.probationSeconds) {
    findings.push({
      path: [...path, 'configure', 'steadySeconds'],
      problem: 'it must be well for longer than its probation lasts',
      remedy: `use less than probationSeconds (${configure.probationSeconds})`,
    });
  }
  return findings;
}
