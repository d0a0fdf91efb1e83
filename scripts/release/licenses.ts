/** LICENSES.txt: every text that must travel with what is inside, each one once. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { byBytes } from './manifest.ts';

/** Something with a licence, and the folder that its text lies in. */
export interface Licensed {
  /** For people: name and version. */
  readonly title: string;
  readonly folder: string;
}

const LICENSE_FILE = /^(licen[cs]e|copying|notice|thirdpartynotices?)([.-].*)?$/i;
const LINE = '='.repeat(80);

/** Identical texts stand once, under the names of all that they are for. */
export function licensesText(parts: readonly Licensed[]): string {
  const titles = new Map<string, string[]>();
  for (const part of parts) {
    const text = textOf(part);
    titles.set(text, [...(titles.get(text) ?? []), part.title]);
  }
  const chapters = [...titles].map(
    ([text, names]) => `${LINE}\n${names.join('\n')}\n${LINE}\n\n${text}\n`,
  );
  const title = 'What is in this release, and the terms that each part comes with.';
  return `${title}\n\n${chapters.join('\n')}`;
}

function textOf({ title, folder }: Licensed): string {
  if (!existsSync(folder)) throw new Error(`${title}: ${folder} is not there`);
  const texts = readdirSync(folder)
    .filter((name) => LICENSE_FILE.test(name))
    .sort(byBytes)
    .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim());
  return texts.length > 0 ? texts.join('\n\n') : stated(folder);
}

interface Described {
  readonly name?: string;
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
  readonly repository?: string | { readonly url?: string };
}

/** What the package says where it brings no text. */
function stated(folder: string): string {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const { license, author, repository } = JSON.parse(text) as Described;
  if (license === undefined) throw new Error(`${folder} says nothing about its licence`);
  const who = typeof author === 'string' ? author : author?.name;
  const where = typeof repository === 'string' ? repository : repository?.url;
  return [
    'The package brings no text of its licence. Its package.json says:',
    `licence: ${license}`,
    ...(who === undefined ? [] : [`author: ${who}`]),
    ...(where === undefined ? [] : [`source: ${where}`]),
  ].join('\n');
}
