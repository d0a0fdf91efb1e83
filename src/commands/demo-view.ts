/** Shows the demo: a picture drawn over itself, or lines of text where there is no terminal. */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { PanelView } from '../domain/view.ts';
import { screenLines } from './demo-screen.ts';
import type { CommandIo } from './exit-codes.ts';

export interface DemoView {
  frame(celsius: Float32Array): void;
  /** A line of the subscriber; returns the type of the event in it, or null. */
  received(line: string): string | null;
  start(view: () => PanelView): void;
  stop(): void;
  summary(delivered: boolean): string;
}

export interface DemoViewOptions {
  readonly plain: boolean;
  readonly io: CommandIo;
  readonly clock: Clock;
}

const DRAW_MS = 200;
const HINT = 'Ctrl-C ends the demo';
const HOME_AND_CLEAR = '\u001b[H\u001b[J';

export function createDemoView({ plain, io, clock }: DemoViewOptions): DemoView {
  const startedMs = clock.monotonicMs();
  const seconds = (): number => (clock.monotonicMs() - startedMs) / 1000;
  const received: string[] = [];
  let celsius: Float32Array | null = null;
  let shown = '';
  let cancel: Cancel = () => undefined;

  const say = (text: string): void => {
    if (plain) io.out(`${seconds().toFixed(1).padStart(6)} s  ${text}`);
  };
  const draw = (view: PanelView): void => {
    if (plain) {
      const now = plainState(view);
      if (now !== shown) say(now);
      shown = now;
      return;
    }
    const state = { elapsedSeconds: seconds(), celsius, view, received, hint: HINT };
    io.out(`${HOME_AND_CLEAR}${screenLines(state).join('\n')}`);
  };
  return {
    frame(pixels) {
      celsius = pixels.slice();
      const hottest = pixels.reduce((a, b) => Math.max(a, b), -Infinity);
      say(`frame: hottest pixel ${hottest.toFixed(1)} C`);
    },
    received(line) {
      const event = eventIn(line);
      if (event === null) return null;
      received.push(event.text);
      say(`subscriber received ${event.text}`);
      return event.type;
    },
    start(view) {
      const again = (): void => {
        draw(view());
        cancel = clock.after(DRAW_MS, again);
      };
      again();
    },
    stop: () => cancel(),
    summary: (delivered) =>
      delivered
        ? `The alarm reached an independent subscriber; ${received.length} events in all.`
        : `No alarm was delivered; ${received.length} events in all.`,
  };
}

function plainState(view: PanelView): string {
  const zones = view.zones.map((zone) => {
    const why = zone.alarm?.explanation.summary ?? zone.preAlarm?.explanation.summary ?? '';
    return `zone ${zone.name}: ${zone.condition}${why === '' ? '' : ` (${why})`}`;
  });
  const siren = view.outputs.siren ? 'ACTIVE' : 'inactive';
  return `${zones.join('; ')}; siren ${siren}`;
}

function eventIn(line: string): { readonly type: string; readonly text: string } | null {
  try {
    const { payload } = JSON.parse(line) as { payload?: { type?: unknown; lane?: unknown } };
    if (typeof payload?.type !== 'string') return null;
    const { type, lane, seq, data } = payload as {
      type: string;
      lane: string;
      seq: number;
      data: { zoneName?: string; subject?: string };
    };
    const about = data.zoneName ?? data.subject ?? '';
    return { type, text: `${lane} #${seq}: ${type} ${about}`.trimEnd() };
  } catch {
    // Not an event line: the subscriber's words for people go to its standard error.
    return null;
  }
}
