/** The rules, one line each: this list is the table of contents. */
import type { Role } from '../../domain/evidence.ts';
import type { Rule } from '../rule.ts';
import { aboveBackground } from './above-background.ts';
import { carbonMonoxide } from './carbon-monoxide.ts';
import { fireSigns } from './fire-signs.ts';
import { fixedTemperature } from './fixed-temperature.ts';
import { flameDigital } from './flame-digital.ts';
import { flame } from './flame.ts';
import { gas } from './gas.ts';
import { heat } from './heat.ts';
import { modelOpinion } from './model-opinion.ts';
import { smoke } from './smoke.ts';

export const rules: readonly Rule[] = [
  fixedTemperature,
  aboveBackground,
  fireSigns,
  modelOpinion,
  smoke,
  flame,
  flameDigital,
  gas,
  carbonMonoxide,
  heat,
];

/** The rules that judge a source of this role. */
export function rulesFor(role: Role): readonly Rule[] {
  return rules.filter((rule) => rule.role === role);
}
