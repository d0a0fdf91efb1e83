import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRows } from '../../scripts/provision/batch-row.ts';
import type { Rows } from '../../scripts/provision/batch-row.ts';
import { placeholdersIn, siteConfig } from '../../scripts/provision/site-config.ts';
import { readSites } from '../../scripts/provision/sites.ts';

const TEMPLATE = `# of every site
device:
  name: "Kitchen of {{street}}"
uplink:
  brokers:
    - id: central
      url: mqtts://broker.example.net:8883 # ours
`;

const rows = (csv: string, template = TEMPLATE): Rows =>
  checkRows('sites.csv', readSites('sites.csv', csv), template, '/sites');
const problemsOf = (csv: string, template = TEMPLATE): string =>
  rows(csv, template)
    .problems.map(({ line, problem }) => `${line}: ${problem}`)
    .join('\n');

describe('a table of sites', () => {
  it('is read with commas, semicolons or tabs, a mark at its start and Windows line ends', () => {
    for (const mark of [',', ';', '\t']) {
      const text = `\ufeffdeviceId,name\r\na,"x, ""y"""\r\n\r\nb, z \r\n`.replaceAll(',', mark);
      const { sites } = readSites('s.csv', text);
      const cells = sites.map(({ line, cells: all }) => [line, ...all.values()]);
      expect(cells).toEqual([
        [2, 'a', `x${mark} "y"`],
        [4, 'b', 'z'],
      ]);
    }
  });

  it('a cell of several lines does not move the lines after it', () => {
    const { sites } = readSites('s.csv', 'deviceId,name\na,"x\ny"\nb,z\n');
    expect(sites.map(({ line }) => line)).toEqual([2, 4]);
  });

  it.each([
    ['an empty file', '', 'empty; write a line of columns'],
    ['no column of ids', 'name,site\nx,y\n', 's.csv:1: no column deviceId'],
    ['a column twice', 'deviceId,name,name\n', 'column "name" twice'],
    ['a column without a name', 'deviceId,,name\n', 'column 2 has no name'],
    ['quotes that do not end', 'deviceId\n"a\nb\n', 'mend the quotes'],
  ])('%s is refused as a whole', (_, text, words) => {
    expect(() => readSites('s.csv', text)).toThrow(words);
  });

  it('every line of any text is a site, bad, or empty', () => {
    const value = fc.stringMatching(/^[a-z0-9 ",\n]*$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { maxLength: 8 }), (cells) => {
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const lines = cells.map(([a, b]) => `${quoted(a)},${quoted(b)}`);
        const { sites, bad } = readSites('s', ['deviceId,name', ...lines].join('\n'));
        const full = cells.filter(([a, b]) => a.trim() !== '' || b.trim() !== '');
        expect(sites.map((site) => site.cells.get('name') ?? '')).toEqual(
          full.map(([, b]) => b.trim()),
        );
        expect(bad).toEqual([]);
      }),
    );
  });
});

describe('a line becomes a configuration', () => {
  it('with placeholders, fields by their paths, and the comments of the template', () => {
    const csv =
      'deviceId,street,uplink.brokers.0.url\n' +
      'kitchen-1,12 Main St,mqtts://b.example.net:8883\n';
    const { orders, problems } = rows(csv);
    expect(problems).toEqual([]);
    expect(orders[0]?.config).toBe(`# of every site
device:
  name: "Kitchen of 12 Main St"
  id: kitchen-1
uplink:
  brokers:
    - id: central
      url: mqtts://b.example.net:8883 # ours
`);
  });

  it('with a fixed address, names and a password beside the table', () => {
    const csv =
      'deviceId,street,hostname,address,gateway,dns,brokerPasswordFile,name,site\n' +
      'a_b,x,,192.0.2.7/24,192.0.2.1,192.0.2.2 2001:db8::1,secrets/a,Kitchen,Main\n';
    expect(rows(csv).orders[0]).toMatchObject({
      ...{ hostname: 'a-b', name: 'Kitchen', site: 'Main' },
      brokerPasswordFile: '/sites/secrets/a',
      network:
        '[Match]\nName=e*\n\n[Network]\nAddress=192.0.2.7/24\nGateway=192.0.2.1\n' +
        'DNS=192.0.2.2\nDNS=2001:db8::1\n',
    });
  });

  it('values are text, numbers or truth, as YAML has them', () => {
    const fields = new Map([
      ['ingest.port', '4000'],
      ['ingest.enabled', 'false'],
      ['device.name', '[x'],
      ['logLevel', '{a: 1}'],
    ]);
    const result = siteConfig('{}', 'a', new Map(), fields);
    const text = result.ok ? result.config.text : '';
    expect(text).toContain('4000');
    expect(text).toContain('false');
    expect(text).toContain('"[x"');
    expect(text).toContain('"{a: 1}"');
  });

  it('placeholders are found once, with or without blanks', () => {
    expect(placeholdersIn('{{a}} {{ b.c }} {{a}} {{}} {d}')).toEqual(['a', 'b.c']);
  });
});

describe('a bad line is named with its column, and the others stay', () => {
  it('tells all of them, in their order', () => {
    const csv =
      'deviceId,street,uplink.brokers.0.url\n' +
      'good,x,\n' +
      'Bad Id,x,\n' +
      ',x,\n' +
      'good,x,\n' +
      'short,x\n' +
      'empty,,\n' +
      'url,x,http://x\n';
    expect(rows(csv).orders.map(({ deviceId }) => deviceId)).toEqual(['good']);
    const lines = problemsOf(csv).split('\n');
    expect(lines.map((line) => Number.parseInt(line))).toEqual([3, 4, 5, 6, 7, 8]);
    expect(lines[0]).toContain('column "deviceId" = "Bad Id": use 1 to 48 small letters');
    expect(lines[1]).toContain('column "deviceId": empty');
    expect(lines[2]).toContain('line 2 has it already');
    expect(lines[3]).toContain('2 cells, but the first line has 3 columns');
    expect(lines[4]).toContain('column "street": empty, but the template has {{street}}');
    expect(lines[5]).toContain('column "uplink.brokers.0.url" = "http://x": uplink.brokers[0].url');
  });

  it.each([
    ['a field that there is not', 'devic.id', 'x', 'column "devic.id" = "x": devic: unknown field'],
    ['a field below a value', 'logLevel.x', '1', 'column "logLevel.x"'],
    ['a bad address', 'address', '192.0.2.300/24', 'with its prefix: 192.0.2.7/24'],
    ['an address without prefix', 'address', '192.0.2.3', 'with its prefix'],
    ['a prefix that is too long', 'address', '192.0.2.3/33', 'with its prefix'],
    ['a router without an address', 'gateway', '192.0.2.1', 'means nothing without'],
    ['a bad host name', 'hostname', 'a_b', 'column "hostname" = "a_b"'],
  ])('%s', (_, column, value, words) => {
    expect(problemsOf(`deviceId,street,${column}\na,x,${value}\n`)).toContain(words);
  });

  it('a template that is wrong by itself', () => {
    expect(problemsOf('deviceId\na\n', 'zonez: []\n')).toContain('the template: zonez');
    expect(problemsOf('deviceId\na\n', 'a: [\n')).toContain('not YAML once it is filled');
  });

  it('a placeholder cannot break a line', () => {
    expect(problemsOf('deviceId,street\na,"x\ny"\n')).toContain('control character');
  });

  it('columns that are of no use, and such that are missing, end it all', () => {
    expect(() => rows('deviceId,street,stret\na,x,y\n')).toThrow('column "stret" is used nowhere');
    expect(() => rows('deviceId\na\n')).toThrow('no column "street", but the template has');
  });
});
