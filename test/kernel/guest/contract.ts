/** The contract of both ports on the backend named by the first argument. */
import { digitalInputContract } from '../../contract/digital-input.ts';
import { digitalOutputContract } from '../../contract/digital-output.ts';
import { runTests } from '../harness.ts';
import { board } from './board.ts';
import { stalls } from './stalls.ts';
import type { BackendName } from './rigs.ts';
import { kernelRig } from './rigs.ts';

const rig = kernelRig(process.argv[2] as BackendName);
digitalOutputContract([rig]);
// The emulated Pi has no interrupts at its pins, and nothing that moves an input.
if (board().hasHands) digitalInputContract([rig]);
process.exit((await runTests(stalls)) ? 0 : 1);
