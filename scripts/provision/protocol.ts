/** The protocol of a verified unit: what was looked at, what it said, and what that means. */

export type PointState = 'passed' | 'failed' | 'skipped';

export interface Point {
  readonly area: string;
  readonly point: string;
  readonly state: PointState;
  readonly found: string;
  /** What mends it; null where nothing needs to be. */
  readonly remedy: string | null;
}

export interface Protocol {
  readonly schema: 1;
  readonly deviceId: string | null;
  readonly host: string;
  readonly site: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** False as soon as one point failed; skipped ones stand in the protocol. */
  readonly ok: boolean;
  readonly points: readonly Point[];
}

export function passed(area: string, point: string, found: string): Point {
  return { area, point, state: 'passed', found, remedy: null };
}

export function failed(area: string, point: string, found: string, remedy: string): Point {
  return { area, point, state: 'failed', found, remedy };
}

export function skipped(area: string, point: string, why: string): Point {
  return { area, point, state: 'skipped', found: why, remedy: null };
}

const WORDS: Readonly<Record<PointState, string>> = {
  passed: 'ok',
  failed: 'FAILED',
  skipped: 'not done',
};

/** For people, and for the file of the site. */
export function protocolLines({ deviceId, host, site, at, points, ok }: Protocol) {
  const name = deviceId ?? 'a unit without a name';
  const where = site === null ? '' : `, ${site}`;
  const widest = Math.max(...points.map(({ area, point }) => area.length + point.length + 2));
  const count = (state: PointState): number => points.filter((one) => one.state === state).length;
  return [
    `Protocol of ${name}${where} (${host}), ${at}`,
    '',
    ...points.flatMap(({ area, point, state, found, remedy }) => [
      `${WORDS[state].padEnd(9)} ${`${area}: ${point}`.padEnd(widest)} ${found}`,
      ...(remedy === null ? [] : [`${' '.repeat(10)}-> ${remedy}`]),
    ]),
    '',
    `${count('passed')} ok, ${count('failed')} failed, ${count('skipped')} not done: ` +
      (ok ? 'proven as far as it was done' : 'NOT PROVEN'),
    '',
    'Date, name, signature: ______________________________',
  ];
}
