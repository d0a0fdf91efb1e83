/**
 * `npm run bench -- [name...] [--json] [--events N]`: the figures that the documentation quotes.
 * Each section is a file beside this one. Times are printed and never asserted: they belong to the machine that is
 * described on top.
 */
import { parseArgs } from 'node:util';
import { blackBoxSection } from './black-box.ts';
import { detectorSection } from './detector.ts';
import { playPart } from './drain/parts.ts';
import { drainSection } from './drain.ts';
import { floodSection } from './flood.ts';
import { halSection } from './hal.ts';
import { ingestParseSection } from './ingest-parse.ts';
import { ingestTcpSection } from './ingest-tcp.ts';
import { journalSection } from './journal.ts';
import { latencySection } from './latency.ts';
import { offerSection } from './load/offer.ts';
import { machine, machineLine } from './machine.ts';
import { modelSection } from './model.ts';
import { mqttSection } from './mqtt.ts';
import { proofSection } from './proof.ts';
import { radiometrySection } from './radiometry.ts';
import type { BenchOptions, Figure, Section } from './section.ts';
import { Skipped } from './section.ts';
import { tuneSection } from './tune.ts';

const SECTIONS: readonly Section[] = [
  radiometrySection,
  detectorSection,
  ingestParseSection,
  offerSection,
  ingestTcpSection,
  latencySection,
  floodSection,
  mqttSection,
  drainSection,
  journalSection,
  halSection,
  modelSection,
  blackBoxSection,
  proofSection,
  tuneSection,
];

/** A smaller backlog is drained before there is anything to measure. */
const MIN_EVENTS = 10_000;

interface Result {
  readonly section: string;
  readonly figures: readonly Figure[];
  readonly skipped: string | null;
}

function row({ name, value, unit, note }: Figure): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const shown = value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `  ${name.padEnd(58)}${shown.padStart(14)} ${unit.padEnd(10)} ${note ?? ''}`.trimEnd();
}

async function runSection(
  section: Section,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<Result> {
  say(`\n${section.title} (${section.name})`);
  try {
    const progress = (line: string): void => void process.stderr.write(`  ... ${line}\n`);
    const figures = await section.run(progress, options);
    for (const each of figures) say(row(each));
    return { section: section.name, figures, skipped: null };
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    say(`  skipped: ${error.message}`);
    return { section: section.name, figures: [], skipped: error.message };
  }
}

/** Returns the exit code: 2 for a name that there is not, or a bad number. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals: names } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, events: { type: 'string' } },
  });
  const { json } = values;
  const events = values.events === undefined ? null : Number(values.events);
  if (events !== null && (!Number.isSafeInteger(events) || events < MIN_EVENTS)) {
    console.error(`bench: --events ${values.events}: write a whole number from ${MIN_EVENTS}`);
    return 2;
  }
  const known = SECTIONS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`bench: no section "${unknown.join(', ')}"; there are: ${known.join(', ')}`);
    return 2;
  }
  const say = (line: string): void => {
    if (!json) console.log(line);
  };
  say(machineLine());
  const results: Result[] = [];
  for (const section of SECTIONS) {
    if (names.length > 0 && !names.includes(section.name)) continue;
    results.push(await runSection(section, { events }, say));
  }
  if (json) console.log(JSON.stringify({ machine: machine(), results }, null, 2));
  return 0;
}

const args = process.argv.slice(2);
if (!(await playPart(args))) process.exitCode = await main(args);
