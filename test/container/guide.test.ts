/** The guide, its pictures and the table for the ladder say what configuration and code say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pictures = readdirSync(join(root, 'docs/pictures')).map((name) => ({
  name,
  text: read(`docs/pictures/${name}`),
}));
const guide = read('docs/install.md');
const ladder = read('docs/field-troubleshooting.md');

/** GPIO number of each pin of the 40-pin header: Raspberry Pi's documentation, "GPIO and the 40-pin header". */
const GPIO_OF_PIN: Readonly<Record<number, number>> = {
  ...{ 3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10 },
  ...{ 21: 9, 22: 25, 23: 11, 24: 8, 26: 7, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16 },
  ...{ 37: 26, 38: 20, 40: 21 },
};

interface Line {
  readonly id: string;
  readonly line: number | string;
}
interface Lines {
  readonly gpio?: { readonly outputs?: readonly Line[]; readonly inputs?: readonly Line[] };
}
const linesOf = ({ gpio }: Lines): ReadonlyMap<string, number | string> =>
  new Map([...(gpio?.outputs ?? []), ...(gpio?.inputs ?? [])].map(({ id, line }) => [id, line]));
const shipped = linesOf(parse(read('config/appliance.yaml')) as Lines);
const inGuide = linesOf(parse(/```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? '') as Lines);

interface Label {
  readonly picture: string;
  readonly id: string;
  readonly gpio: number;
  readonly pin: number;
}
const labels: readonly Label[] = pictures.flatMap(({ name, text }) =>
  [...text.matchAll(/([a-z][a-z-]+): GPIO (\d+), pin (\d+)/g)].map(([, id = '', gpio, pin]) => ({
    ...{ picture: name, id, gpio: Number(gpio), pin: Number(pin) },
  })),
);

describe('the pictures', () => {
  it('are whole SVG with a title, a description and a background of their own', () => {
    expect(pictures.length).toBe(6);
    for (const { name, text } of pictures) {
      expect(text, name).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
      expect(text, name).toMatch(/<title id="t">.+<\/title>\n<desc id="d">.+<\/desc>/);
      expect(text, name).toContain('fill="#ffffff"');
      expect(text, name).not.toMatch(/<script|href=|<image/);
    }
  });

  it('all stand in the guide', () => {
    expect(pictures.filter(({ name }) => !guide.includes(`(pictures/${name})`))).toEqual([]);
  });

  it('name pins and lines that belong together', () => {
    expect(labels.length).toBeGreaterThan(15);
    expect(labels.filter(({ pin, gpio }) => GPIO_OF_PIN[pin] !== gpio)).toEqual([]);
    const header = pictures.find(({ name }) => name === 'header.svg')?.text ?? '';
    const plain = [...header.matchAll(/text-anchor="middle" font-size="12"[^>]*>(\d+)</g)];
    expect(plain.map(([, pin]) => Number(pin))).toEqual([...Array(40).keys()].map((i) => i + 1));
  });

  it('name the lines of the shipped configuration, each on the header, and no other', () => {
    const header = labels.filter(({ picture }) => picture === 'header.svg');
    for (const [id, line] of shipped) {
      expect(header.find((label) => label.id === id)?.gpio, id).toBe(line);
    }
    const known = new Map([...inGuide, ...shipped]);
    expect(labels.filter(({ id, gpio }) => known.get(id) !== gpio)).toEqual([]);
  });

  it('call optional what the shipped configuration does not have', () => {
    const header = pictures.find(({ name }) => name === 'header.svg')?.text ?? '';
    const optional = [...header.matchAll(/([a-z-]+): GPIO \d+, pin \d+ \(optional\)/g)];
    const wanted = [...inGuide.keys()].filter((id) => !shipped.has(id));
    expect(optional.map(([, id]) => id).sort()).toEqual(wanted.sort());
  });
});

describe('the guide', () => {
  it('has the lines of the shipped configuration, and more', () => {
    for (const [id, line] of shipped) expect(inGuide.get(id), id).toBe(line);
    expect(inGuide.size).toBeGreaterThan(shipped.size);
  });

  it('links to headings that are there', () => {
    const pages = ['docs/install.md', 'docs/field-troubleshooting.md', 'docs/containers.md'];
    const broken = pages.flatMap((path) =>
      [...read(path).matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g)]
        .filter(([, to = '', anchor = '']) => {
          const target = to === '' ? path : join('docs', to);
          return !anchorsOf(read(target)).includes(anchor);
        })
        .map(([link]) => `${path}: ${link}`),
    );
    expect(broken).toEqual([]);
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

/** Nobody on a ladder mends these: they are for the record, or for whoever looks after software. */
const NOT_FOR_THE_LADDER = [
  ...['alarmFileTorn', 'alarmsRestored', 'storeClash', 'storeLogGrowing', 'recordingUnavailable'],
  ...['ringFull', 'ringDamaged', 'updateLockFailed', 'updateStateUnreadable'],
];

describe('the table for the ladder', () => {
  const rows = [...read('docs/operations.md').matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)];
  const known = rows.flatMap(([, cell = '']) => cell.split(', ').map((name) => name.slice(1, -1)));
  const cells = ladder
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) => line.split(' | '));
  const named = cells.flatMap((row) =>
    [...(row.at(-1) ?? '').matchAll(/`([a-z]+[A-Z]\w*|tamper|throttled|undervoltage)`/g)].map(
      ([, name = '']) => name,
    ),
  );

  it('has four columns throughout', () => {
    expect(cells.length).toBeGreaterThan(50);
    expect(cells.filter((row) => row.length !== 4).map(([first]) => first)).toEqual([]);
  });

  it('names every fault that an installer can meet', () => {
    const missing = known.filter((name) => !NOT_FOR_THE_LADDER.includes(name));
    expect(missing.filter((name) => !named.includes(name))).toEqual([]);
  });

  it('names no fault that there is not', () => {
    expect(named.length).toBeGreaterThan(50);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  });
});
