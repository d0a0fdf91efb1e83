/**
 * A runtime reduced to its outputs, to be killed: `runtime.js BACKEND SOCKET [SIREN [low]]`. Opens
 * the siren and the fault relay, both active, says so, and beats. SOCKET: of the GPIO holder, `-`
 * for none. SIREN: `paused`, in a pause of its pattern, or `silent`. `low`: it is active-low.
 */
import { systemClock, systemRandom } from '../../../src/clock.ts';
import { openHolder } from '../../../src/hal/holder/start.ts';
import type { HolderClient } from '../../../src/hal/holder/client.ts';
import { board } from './board.ts';
import type { BackendName } from './rigs.ts';
import { openBackend } from './rigs.ts';

const BEAT_MS = 500;

const [backendName = '', socketPath = '', sound = '', polarity = ''] = process.argv.slice(2);
const clock = systemClock();

async function holderAt(path: string): Promise<HolderClient> {
  const opened = await openHolder({
    mode: 'auto',
    socketPath: path,
    runDirectory: '/run',
    holder: { command: process.execPath, args: ['/app/dist/gpio-holder.js'] },
    clock,
    random: systemRandom(),
  });
  if (opened === null) throw new Error('no holder is wanted');
  if (!opened.ok) throw opened.error;
  // An emulated processor takes its time to start a process.
  for (let i = 0; opened.value.trouble !== null && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    opened.value.lookAgain();
  }
  if (opened.value.trouble !== null) throw opened.value.trouble;
  return opened.value;
}

const holder = socketPath === '-' ? null : await holderAt(socketPath);
const opened = await openBackend(backendName as BackendName, {
  clock,
  notice: ({ detail }) => console.error(detail),
  ...(holder === null ? {} : { keeper: holder.keeper }),
});
if (!opened.ok) throw opened.error;
const { chip, siren, relay } = board();
for (const [name, line, onLoss] of [
  ['siren', siren, 'keep'],
  ['fault-relay', relay, 'drop'],
] as const) {
  const isSiren = onLoss === 'keep';
  const activeLow = isSiren && polarity === 'low';
  const output = opened.value.openOutput(name, { chip, line, activeLow }, true, onLoss);
  if (!output.ok) throw output.error;
  if (!isSiren || sound === '') continue;
  output.value.intend?.(sound === 'paused');
  const written = output.value.write(false);
  if (!written.ok) throw written.error;
}
holder?.settled();
console.log('open');
setInterval(() => void holder?.beat(), BEAT_MS);
