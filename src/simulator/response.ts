/**
 * How an array answers to radiation: true temperature in, signal over sensitivity out.
 *
 * Sensitivity changes with the temperature looked at, in four ranges. The datasheet's chain
 * corrects that with a first estimate of the temperature instead of the temperature itself
 * (MLX90640 datasheet rev 12, 11.2.2.9), which makes 7 C at 300 C. A calibrated array is one whose
 * signal gives the true temperature through that chain, so the same estimate is used here.
 */
const KELVIN = 273.15;
/** Sensitivity is kept from here on: its slopes are not meant for more and would reach zero. */
const HIGHEST_CELSIUS = 400;
/** The estimate depends on the signal and the signal on the estimate: each turn wins a digit. */
const TURNS = 14;

type FourRanges = readonly [number, number, number, number];

export interface Response {
  /** Where the ranges begin, in C. */
  readonly cornerCelsius: FourRanges;
  /** Change of sensitivity per kelvin in each range. */
  readonly ksTo: FourRanges;
  /** Sensitivity at the beginning of each range, relative to that at 0 C. */
  readonly rangeFactor: FourRanges;
}

/** `ksTo` in 1/K for the four ranges; corners in C, the first two are fixed at -40 and 0. */
export function responseOf(ksTo: FourRanges, corner3: number, corner4: number): Response {
  const at3 = 1 + ksTo[1] * corner3;
  return {
    ksTo,
    cornerCelsius: [-40, 0, corner3, corner4],
    rangeFactor: [1 / (1 + ksTo[0] * 40), 1, at3, at3 * (1 + ksTo[2] * (corner4 - corner3))],
  };
}

/**
 * Signal of a surface of `celsius` in K^4: what the pixel counts, divided by its sensitivity at
 * 0 C. `background` is what the pixel would receive from a surface that gives no signal, in K^4.
 */
export function signalOf(response: Response, celsius: number, background: number): number {
  if (celsius > HIGHEST_CELSIUS) {
    const scale = (fourth(celsius) - background) / (fourth(HIGHEST_CELSIUS) - background);
    return scale * signalOf(response, HIGHEST_CELSIUS, background);
  }
  const net = fourth(celsius) - background;
  let signal = sensitivityAt(response, celsius) * net;
  for (let turn = 0; turn < TURNS; turn++) {
    const estimate = firstEstimate(response.ksTo[1], signal, background);
    const next = sensitivityAt(response, estimate) * net;
    if (Math.abs(next - signal) <= 1e-9 * Math.abs(next)) return next;
    signal = next;
  }
  return signal;
}

/** The chain's first temperature, with the sensitivity of the range from 0 C to the next corner. */
function firstEstimate(slope: number, signal: number, background: number): number {
  const received = Math.max(1, signal + background);
  const sensitivity = 1 - slope * KELVIN + slope * Math.sqrt(Math.sqrt(received));
  return Math.sqrt(Math.sqrt(Math.max(1, signal / sensitivity + background))) - KELVIN;
}

function sensitivityAt(response: Response, celsius: number): number {
  const range = rangeOf(response.cornerCelsius, celsius);
  const above = celsius - response.cornerCelsius[range];
  return response.rangeFactor[range] * (1 + response.ksTo[range] * above);
}

function rangeOf(corners: FourRanges, celsius: number): 0 | 1 | 2 | 3 {
  if (celsius < corners[1]) return 0;
  if (celsius < corners[2]) return 1;
  return celsius < corners[3] ? 2 : 3;
}

/** Fourth power of the absolute temperature: what a black surface radiates, in its own unit. */
export function fourth(celsius: number): number {
  const kelvin = celsius + KELVIN;
  return kelvin * kelvin * kelvin * kelvin;
}
