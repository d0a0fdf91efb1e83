/** All kinds, in the order in which they run. */
import type { Kind } from '../kind.ts';
import { broker, brokerForgets } from './broker.ts';
import { clock } from './clock.ts';
import { corrupt } from './corrupt.ts';
import { full } from './full.ts';
import { halfOpen } from './half-open.ts';
import { kill } from './kill.ts';
import { stall } from './stall.ts';

export const KINDS: readonly Kind[] = [
  ...[kill, broker, brokerForgets, halfOpen, stall, full, corrupt, clock],
];
