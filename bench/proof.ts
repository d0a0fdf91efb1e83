/**
 * What a proof of the alarm path costs: copying each array's words, and the pieces in which a proof
 * is made, of which a real fire waits for one at most.
 */
import { createPanel } from '../src/alarm/panel.ts';
import { systemClock } from '../src/clock.ts';
import { parseConfig } from '../src/config.ts';
import { sensorId } from '../src/domain/units.ts';
import { PLAN_CHECKS, panelPlanOf } from '../src/plan.ts';
import { ShadowPictures } from '../src/proof-picture.ts';
import { RawWords } from '../src/proof/raw-words.ts';
import { zoneTrial } from '../src/proof/readiness.ts';
import { noCalibrations } from '../src/proof/shadow-array.ts';
import { SimulatedArray } from '../src/simulator/array.ts';
import type { Figure, Section } from './section.ts';
import { figure } from './section.ts';

const ARRAY = sensorId('array');
const COPIES = 400_000;
const PROOFS = 300;

export const proofSection: Section = {
  name: 'proof',
  title: 'Proof of the alarm path: a copied frame, a proof in pieces',
  async run(progress) {
    const clock = systemClock();
    const raw = new RawWords();
    const array = new SimulatedArray({ seed: 'proof' });
    const tap = raw.open(ARRAY);
    const optics = { emissivity: 0.95, reflectedCelsius: null } as const;
    tap.decoding({ kind: 'pictures', controlRegister: 'eeprom', ...optics }, array.eeprom);
    const room = { ambientCelsius: 28, supplyVolts: 3.3 };
    const words = array.dump(new Float32Array(768).fill(22), room);
    const celsius = new Float32Array(768);
    progress('frames');
    const startedMs = clock.monotonicMs();
    for (let i = 0; i < COPIES; i++) {
      tap.words(words, null, clock.monotonicMs(), NaN);
      tap.picture(celsius, true);
    }
    const copyUs = ((clock.monotonicMs() - startedMs) * 1000) / COPIES;
    progress('proofs');
    return [figure('copy of a frame', copyUs, 'us'), ...(await proofs(raw, tap, words, celsius))];
  },
};

async function proofs(
  raw: RawWords,
  tap: ReturnType<RawWords['open']>,
  words: Uint16Array,
  celsius: Float32Array,
): Promise<readonly Figure[]> {
  const clock = systemClock();
  const config = configOfHall();
  const panel = createPanel(panelPlanOf(config), clock.monotonicMs());
  const [zone] = panel.zones;
  if (zone === undefined) throw new Error('no zone');
  const pictures = new ShadowPictures(config, null);
  const calibrations = await noCalibrations();
  const pieces: number[] = [];
  let first = 0;
  for (let proof = 0; proof < PROOFS; proof++) {
    tap.words(words, null, clock.monotonicMs(), NaN);
    tap.picture(celsius, true);
    const trial = zoneTrial({
      ...{ clock, panel, zone, hours: null, raw, calibrations },
      pictureOf: (sensor) => pictures.of(sensor),
    });
    for (let done = false; !done;) {
      const beginMs = clock.monotonicMs();
      done = trial.next().done === true;
      const tookMs = clock.monotonicMs() - beginMs;
      if (proof === 0) first = Math.max(first, tookMs);
      else pieces.push(tookMs);
    }
  }
  pieces.sort((a, b) => a - b);
  const share = (of: number): number => pieces[Math.floor(of * (pieces.length - 1))] ?? NaN;
  const total = pieces.reduce((sum, ms) => sum + ms, 0) / (PROOFS - 1);
  return [
    figure('a whole proof of one array', total, 'ms'),
    figure('a piece, median', share(0.5), 'ms'),
    figure('a piece, p99', share(0.99), 'ms'),
    figure('the longest piece of the first proof after the start', first, 'ms'),
  ];
}

function configOfHall() {
  const parsed = parseConfig(
    JSON.stringify({
      boards: [{ id: 'array', cadenceSeconds: 1 }],
      zones: [{ id: 'hall', sensors: [{ sensor: 'array', channel: 'thermal', role: 'thermal' }] }],
    }),
    {},
    PLAN_CHECKS,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}
