/** What the demo shows: pure text from a thermal frame, the panel's view and delivered events. */
import type { PanelView } from '../domain/view.ts';

const COLUMNS = 32;
const ROWS = 24;
const SIDE_WIDTH = 62;
const PARTS = 'simulated board -> zone -> siren -> MQTT subscriber';

/** Colour stops of the thermal picture: position 0..1, red, green, blue. */
const STOPS = [
  [0, 8, 6, 40],
  [0.2, 70, 15, 110],
  [0.4, 160, 30, 95],
  [0.6, 225, 80, 45],
  [0.8, 250, 165, 30],
  [1, 255, 250, 200],
] as const;

export interface DemoState {
  readonly elapsedSeconds: number;
  /** 768 true temperatures, or null before the first frame. */
  readonly celsius: Float32Array | null;
  readonly view: PanelView;
  /** Lines about events, in the order in which the independent subscriber received them. */
  readonly received: readonly string[];
  readonly hint: string;
}

/** Red, green and blue of a temperature within the picture's range. */
export function colourOf(celsius: number, low: number, high: number): readonly number[] {
  if (!Number.isFinite(celsius)) return [90, 90, 90];
  const position = Math.min(1, Math.max(0, (celsius - low) / (high - low)));
  const next = STOPS.findIndex(([at]) => at >= position);
  const [b0, r0, g0, u0] = STOPS[Math.max(0, next - 1)] ?? STOPS[0];
  const [b1, r1, g1, u1] = STOPS[Math.max(0, next)] ?? STOPS[0];
  const part = b1 === b0 ? 0 : (position - b0) / (b1 - b0);
  return [r0 + (r1 - r0) * part, g0 + (g1 - g0) * part, u0 + (u1 - u0) * part].map(Math.round);
}

/** Range of the picture: at least 15..40 C, so that noise in a cold room stays dark. */
export function rangeOf(celsius: Float32Array): { low: number; high: number } {
  let low = 15;
  let high = 40;
  for (const value of celsius) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** Two picture rows a line: the upper half block's two colours. 24-bit colour escapes. */
export function pictureLines(celsius: Float32Array): readonly string[] {
  const { low, high } = rangeOf(celsius);
  const lines: string[] = [];
  for (let row = 0; row < ROWS; row += 2) {
    let line = '';
    for (let column = 0; column < COLUMNS; column++) {
      const upper = colourOf(celsius[row * COLUMNS + column] ?? NaN, low, high).join(';');
      const lower = colourOf(celsius[(row + 1) * COLUMNS + column] ?? NaN, low, high).join(';');
      line += `\u001b[38;2;${upper};48;2;${lower}m\u2580`;
    }
    lines.push(`${line}\u001b[0m`);
  }
  return lines;
}

const bold = (text: string): string => `\u001b[1m${text}\u001b[0m`;
const hot = (text: string): string => `\u001b[1;97;41m${text}\u001b[0m`;
const warn = (text: string): string => `\u001b[30;43m${text}\u001b[0m`;
const dim = (text: string): string => `\u001b[2m${text}\u001b[0m`;

function conditionText(condition: string): string {
  const text = ` ${condition.toUpperCase()} `;
  if (condition === 'alarm') return hot(text);
  return condition === 'normal' ? bold(text) : warn(text);
}

/** A whole screen, top left to bottom right. */
export function screenLines(state: DemoState): readonly string[] {
  const side = sideLines(state);
  const picture = state.celsius === null ? [] : pictureLines(state.celsius);
  const empty = ' '.repeat(COLUMNS);
  const height = Math.max(ROWS / 2, side.length);
  const body = Array.from(
    { length: height },
    (_, i) => `  ${picture[i] ?? empty}   ${side[i] ?? ''}`,
  );
  return [
    '',
    `  ${bold('EmberEye edge')}  ${PARTS}   ${state.elapsedSeconds.toFixed(0)} s`,
    '',
    ...body,
    '',
    `  ${dim(state.hint)}`,
  ];
}

function sideLines({ view, received, celsius }: DemoState): readonly string[] {
  const zones = view.zones.flatMap((zone) => [
    [
      `zone ${zone.name.padEnd(14)} ${conditionText(zone.condition)}`,
      zone.verifying ? dim(' verifying') : '',
    ].join(''),
    dim(shorten(zone.alarm?.explanation.summary ?? zone.preAlarm?.explanation.summary ?? '')),
  ]);
  const hottest = celsius === null ? '' : `hottest pixel ${rangeMax(celsius).toFixed(1)} C`;
  const level = (on: boolean): string => (on ? hot(' ACTIVE ') : dim('inactive'));
  return [
    ...zones,
    hottest,
    '',
    [
      `siren ${level(view.outputs.siren)}`,
      `strobe ${level(view.outputs.strobe)}`,
      `healthy ${view.outputs.faultRelay ? 'yes' : 'no'}`,
    ].join('   '),
    '',
    bold('received by an independent subscriber'),
    ...(received.length === 0 ? [dim('nothing yet')] : received.slice(-5).map(shorten)),
  ];
}

function rangeMax(celsius: Float32Array): number {
  let max = -Infinity;
  for (const value of celsius) if (value > max) max = value;
  return max;
}

function shorten(text: string): string {
  return text.length > SIDE_WIDTH ? `${text.slice(0, SIDE_WIDTH - 3)}...` : text;
}
