import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONTRACT } from '../scripts/contract-table.ts';
import { generatedFiles } from '../scripts/generated-files.ts';
import { runCheckConfig } from '../src/commands/check-config.ts';
import { parseConfig } from '../src/config.ts';
import { ACCESS } from '../src/domain/command.ts';
import { COMMAND_FIELDS } from '../src/domain/command-read.ts';
import { SERVICE_ACCESS, SERVICE_FIELDS } from '../src/domain/command-service.ts';
import { sensorDrivers } from '../src/hal/drivers/index.ts';
import { BOX_FAULTS } from '../src/hal/box/report.ts';
import { METRICS } from '../src/metrics.ts';
import { PLAN_CHECKS } from '../src/plan.ts';
import { faultNamesIn } from './support/fault-names.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }),
]
  .map((name) => (name === 'README.md' ? name : `docs/${name}`))
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: read(path) }));

describe('documentation', () => {
  it.each([...generatedFiles()])('%s is what the code generates', (path, text) => {
    expect(read(path)).toBe(text);
  });

  it('the shipped configuration is valid', () => {
    const problems: string[] = [];
    const io = { out: () => undefined, err: (line: string) => void problems.push(line) };
    runCheckConfig(join(root, 'config/appliance.yaml'), { json: false }, {}, PLAN_CHECKS, io);
    expect(problems).toEqual([]);
  });

  const examples = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match, i) => ({
      name: `${path}, example ${i + 1}`,
      text: match[1] ?? '',
    })),
  );

  it.each(examples)('$name is a valid configuration', ({ text }) => {
    const result = parseConfig(text, {}, PLAN_CHECKS);
    expect(result.ok ? [] : result.problems).toEqual([]);
  });

  it('the MQTT page names every topic', () => {
    const topics = CONTRACT.map(({ address }) =>
      address
        .replaceAll('{', '<')
        .replaceAll('}', '>')
        .replace(/\/command\/\w+$/, '/command/<name>'),
    );
    const page = read('docs/mqtt.md');
    const missing = [...new Set(topics)].filter((topic) => !page.includes(`\`${topic}\``));
    expect(missing).toEqual([]);
  });

  it('the MQTT page names every command with its level, and every field', () => {
    const page = read('docs/mqtt.md');
    const rows = [...page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (\w+) \|/gm)];
    const levels = rows.flatMap(([, names = '', level]) =>
      names.split(', ').map((name) => [name.slice(1, -1), level]),
    );
    expect(Object.fromEntries(levels)).toEqual({ ...ACCESS, ...SERVICE_ACCESS });
    const fields = [...COMMAND_FIELDS, ...SERVICE_FIELDS];
    const missing = fields.filter((field) => !page.includes(`\`${field}\``));
    expect(missing).toEqual([]);
  });

  it('metrics that pages name exist', () => {
    const named = pages.flatMap(({ text }) => text.match(/\bembereye_[a-z_]+/g) ?? []);
    const known = Object.keys(METRICS);
    const unknown = named.filter((name) => !known.some((metric) => metric === name));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('commands that pages name exist', () => {
    const cli = readdirSync(join(root, 'src/cli')).map((name) => read(`src/cli/${name}`));
    const main = cli.join('\n');
    const named = pages.flatMap(({ text }) =>
      [...text.matchAll(/(?:^|`)(?:node )?(?:dist\/)?embereye(?:\.js)? ([a-z][a-z-]+)/gm)].map(
        (match) => match[1],
      ),
    );
    const unknown = named.filter((name) => !main.includes(`command('${name ?? ''}'`));
    expect(named.length).toBeGreaterThan(3);
    expect([...new Set(unknown)]).toEqual([]);
  });

  describe('the page of operations', () => {
    // What stands where the names of faults do and is none: how a packet breaks off, what a
    // simulated line does, the kind of a trouble.
    const others = ['speed'];
    const isOther = (path: string): boolean =>
      path.includes('/simulat') || path.endsWith('line-protocol/framing.ts');
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .map((name) => `src/${name}`)
      .filter((path) => path.endsWith('.ts') && !isOther(path));
    const names = new Set(files.flatMap((path) => faultNamesIn({ path, text: read(path) })));
    const known = new Set([...names].filter((name) => !others.includes(name)));
    const rows = [...read('docs/operations.md').matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)];
    const listed = rows.flatMap(([, cell = '']) => cell.split(', ').map((n) => n.slice(1, -1)));

    it('has a row for every fault that the code can tell', () => {
      expect([...BOX_FAULTS].filter((name) => !known.has(name))).toEqual([]);
      expect([...known].filter((name) => !listed.includes(name))).toEqual([]);
    });

    it('names no other, and none twice', () => {
      expect(listed.filter((name) => !known.has(name))).toEqual([]);
      expect(listed.filter((name, at) => listed.indexOf(name) !== at)).toEqual([]);
    });
  });

  it('the page of drivers names every driver and option', () => {
    const page = read('docs/drivers.md');
    expect(sensorDrivers.filter(({ kind }) => !page.includes(`## ${kind}`))).toEqual([]);
  });

  it('links between pages lead somewhere', () => {
    const broken = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => {
          try {
            readFileSync(join(root, path, '..', target));
            return false;
          } catch {
            return !target.endsWith('/');
          }
        })
        .map((target) => `${path} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
