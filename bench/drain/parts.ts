/** Which part this process plays, when it is not the benchmark itself. */
import { appliancePart } from './appliance-part.ts';
import { barePart } from './bare-part.ts';
import { type Part, PART, PARTS, serve, type Setting } from './talk.ts';
import { watcherPart } from './watcher-part.ts';

const PLAY: Readonly<
  Record<Part, (setting: Setting) => Promise<(order: unknown) => Promise<unknown>>>
> = { appliance: appliancePart, bare: barePart, watcher: watcherPart };

/** Plays a part when the arguments name one; false when they do not. */
export async function playPart(args: readonly string[]): Promise<boolean> {
  const [word, name, setting = '{}'] = args;
  const part = PARTS.find((one) => one === name);
  if (word !== PART || part === undefined) return false;
  serve(await PLAY[part](JSON.parse(setting) as Setting));
  return true;
}
