import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { destinationOf, readSeed } from '../../src/seed/format.ts';

const entry = (name: string, change: object = {}): object => {
  const { to, mode } = destinationOf(name) ?? { to: '/x', mode: '0644' };
  return { [name]: { sha256: 'a'.repeat(64), to, mode, ...change } };
};
const seed = (files: object, change: object = {}): string =>
  JSON.stringify({
    schema: 1,
    deviceId: 'site-1',
    files: { ...entry('appliance.yaml'), ...files },
    ...change,
  });
const problemsOf = (text: string): readonly string[] => {
  const result = readSeed(text);
  return result.ok ? [] : result.problems;
};

describe('seed.json', () => {
  it('is read with every file that a seed may have', () => {
    const files = {
      ...entry('hostname'),
      ...entry('device.key'),
      ...entry('network/10-wired.network'),
      ...entry('release-keys/owner.pub'),
    };
    const result = readSeed(seed(files));
    expect(result.ok && Object.keys(result.seed.files)).toEqual(
      expect.arrayContaining(['appliance.yaml', ...Object.keys(files)]),
    );
  });

  it.each([
    ['broken JSON', '{', 'not JSON'],
    ['not an object', '[]', 'not an object'],
    ['another schema', seed({}, { schema: 2 }), 'schema 2 is not 1'],
    ['a bad id', seed({}, { deviceId: 'Kitchen 1' }), 'deviceId "Kitchen 1"'],
    ['no files', seed({}, { files: null }), 'files: missing'],
    ['no configuration', JSON.stringify({ schema: 1, deviceId: 'a', files: {} }), 'is missing'],
    ['an unknown file', seed(entry('passwd')), 'no such file'],
    ['a way out', seed(entry('network/../../passwd.network')), 'no such file'],
    ['an absolute name', seed(entry('/etc/shadow')), 'no such file'],
    ['a name of every object', seed(entry('constructor')), 'no such file'],
    ['another place', seed(entry('hostname', { to: '/etc/shadow' })), 'and nowhere else'],
    ['a looser mode', seed(entry('device.key', { mode: '0666' })), 'mode 0640, and nowhere else'],
    ['no digest', seed(entry('hostname', { sha256: 'abc' })), 'not 64 hex digits'],
    ['a file that is no object', seed({ hostname: 7 }), 'not 64 hex digits'],
  ])('%s is refused by name', (_, text, words) => {
    expect(problemsOf(text).join('\n')).toContain(words);
  });

  it('tells all of its problems at once', () => {
    const text = seed({ ...entry('a'), ...entry('b') }, { deviceId: '' });
    expect(problemsOf(text)).toHaveLength(3);
  });

  it('no name leads out of the places of a seed', () => {
    const piece = fc.constantFrom('..', '.', '/', 'network', 'release-keys', 'a', '.network', '\0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const to = destinationOf(pieces.join(''))?.to ?? '/etc/embereye/none';
        expect(to).not.toContain('..');
        expect(to).toMatch(
          /^\/etc\/(embereye\/|systemd\/network\/|ssh\/authorized_keys\.d\/|hostname$)/,
        );
      }),
    );
  });

  it('whatever it holds, the answer is a seed or words', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = readSeed(text);
        expect(result.ok || result.problems.length > 0).toBe(true);
      }),
    );
  });
});
