import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { chooseConfig } from '../../src/remote-config/choose.ts';
import type { ConfigState, Probation } from '../../src/remote-config/state.ts';
import {
  begun,
  hashOfConfig,
  HISTORY_LENGTH,
  kept,
  neededHashes,
  NO_STATE,
  reverted,
} from '../../src/remote-config/state.ts';
import { ConfigStore } from '../../src/remote-config/store.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function site() {
  const folder = mkdtempSync(join(tmpdir(), 'ee-choose-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const directory = join(folder, 'state');
  mkdirSync(directory);
  const text = (name: string) => `device: { name: ${name} }\nstate: { directory: ${directory} }\n`;
  const file = join(folder, 'appliance.yaml');
  const said: string[] = [];
  const io = { out: () => undefined, err: (line: string) => void said.push(line) };
  return {
    ...{ folder, directory, file, text, said },
    store: new ConfigStore(directory, silentLog),
    write: (content: string) => writeFileSync(file, content),
    choose: () => chooseConfig(file, '/nowhere', { io, environment: {}, log: silentLog }),
  };
}

const probationOf = (text: string, file: string, more: Partial<Probation> = {}): Probation => ({
  ...{ hash: hashOfConfig(text), fileHash: hashOfConfig(file), from: hashOfConfig(file) },
  ...{ starts: 0, failed: null, confirmed: false, by: 'mqtt:x', requestId: 'r', broker: 'c' },
  ...{ baseline: { faults: [], sources: [], connected: [] }, changes: ['a: 1 -> 2'], ...more },
});

const types = ({ untold }: ConfigState) => untold.map(({ type }) => type);

describe('which configuration a start runs', () => {
  it('the file, where nothing came from afar', async () => {
    const at = site();
    at.write(at.text('file'));
    const chosen = await at.choose();
    expect(chosen).toMatchObject({ hash: hashOfConfig(at.text('file')), probation: null });
    expect(chosen?.faults).toEqual([]);
    expect(existsSync(at.store.folder)).toBe(false);
  });

  it('one on probation, twice; then the file again, and says why', async () => {
    const at = site();
    const [file, next] = [at.text('file'), at.text('next')];
    at.write(file);
    const probation = probationOf(next, file);
    await at.store.update((state) => begun(state, probation, 'now', null), [next]);
    for (const starts of [1, 2]) {
      expect(await at.choose()).toMatchObject({ hash: hashOfConfig(next), probation: { starts } });
    }
    const third = await at.choose();
    expect(third).toMatchObject({ hash: hashOfConfig(file), probation: null });
    const { state } = at.store.read();
    expect(types(state)).toEqual(['configurationApplied', 'configurationReverted']);
    expect(state.untold.at(-1)?.data.reason).toContain('stopped 2 times');
    expect(state.history).toMatchObject([{ outcome: 'reverted', changes: ['a: 1 -> 2'] }]);
  });

  it('one that was kept, through any number of starts, until the file is edited', async () => {
    const at = site();
    const [file, next] = [at.text('file'), at.text('next')];
    at.write(file);
    const probation = probationOf(next, file);
    await at.store.update((state) => begun(state, probation, 'now', null), [next]);
    await at.store.update((state) => kept(state, probation, 'well'));
    for (let i = 0; i < 4; i += 1)
      expect(await at.choose()).toMatchObject({ hash: hashOfConfig(next) });
    at.write(`device: { name: 7 }\nstate:\n  directory: ${at.directory}\n`);
    const broken = await at.choose();
    expect(broken, 'a broken edit counts for nothing').toMatchObject({ hash: hashOfConfig(next) });
    expect(broken?.faults).toMatchObject([{ fault: 'configRefused' }]);
    expect(at.said.join()).toContain('device.name = 7');
    at.write(at.text('edited'));
    expect(await at.choose()).toMatchObject({ hash: hashOfConfig(at.text('edited')) });
    const { state } = at.store.read();
    expect(state.active).toBeNull();
    expect(state.untold.at(-1)?.data).toMatchObject({ origin: 'file' });
  });

  it.each([
    ['does not start', { failed: 'it does not start: x' }, 'it does not start'],
    ['has no text', {}, 'missing or damaged'],
  ])('the one before, where that on probation %s', async (_, more, word) => {
    const at = site();
    const [file, next] = [at.text('file'), at.text('next')];
    at.write(file);
    const probation = probationOf(next, file, more);
    const texts = 'failed' in more ? [next] : [];
    await at.store.update((state) => begun(state, probation, 'now', null), texts);
    expect(await at.choose()).toMatchObject({ hash: hashOfConfig(file), probation: null });
    expect(at.store.read().state.untold.at(-1)?.data.reason).toContain(word);
  });

  it('the file, with a fault, where what was kept is damaged or the record is', async () => {
    const at = site();
    const [file, next] = [at.text('file'), at.text('next')];
    at.write(file);
    const probation = probationOf(next, file);
    await at.store.update((state) => begun(state, probation, 'now', null), [next]);
    await at.store.update((state) => kept(state, probation, 'well'));
    writeFileSync(join(at.store.folder, `${hashOfConfig(next)}.yaml`), 'device: { id: evil }');
    const damaged = await at.choose();
    expect(damaged).toMatchObject({ hash: hashOfConfig(file) });
    expect(damaged?.faults).toMatchObject([{ fault: 'configRefused' }]);
    writeFileSync(join(at.store.folder, 'state.json'), '{');
    const lost = await at.choose();
    expect(lost).toMatchObject({ hash: hashOfConfig(file) });
    expect(lost?.faults).toMatchObject([{ fault: 'configHistoryLost', subject: 'config' }]);
  });

  it('not one on probation that cannot be counted', async () => {
    const at = site();
    const [file, next] = [at.text('file'), at.text('next')];
    at.write(file);
    await at.store.update((state) => begun(state, probationOf(next, file), 'now', null), [next]);
    // A folder in the place of the file that is written: nothing can be renamed over.
    mkdirSync(join(at.store.folder, 'state.json.new'));
    const chosen = await at.choose();
    expect(chosen).toMatchObject({ hash: hashOfConfig(file), probation: null });
    expect(chosen?.faults[0]).toMatchObject({ fault: 'configNotKept' });
  });
});

describe('the record', () => {
  it('keeps the last ten, and no text that nobody needs', async () => {
    const at = site();
    const file = at.text('file');
    for (let i = 0; i < 15; i += 1) {
      const text = at.text(`n${i}`);
      const probation = probationOf(text, file, { requestId: `r-${i}` });
      await at.store.update((state) => begun(state, probation, 'now', null), [text]);
      const end = i % 2 === 0 ? kept : reverted;
      await at.store.update((state) => end(state, probation, 'why'));
    }
    const { state } = at.store.read();
    expect(state.history).toHaveLength(HISTORY_LENGTH);
    expect(state.active?.hash).toBe(hashOfConfig(at.text('n14')));
    const texts = readdirSync(at.store.folder).filter((name) => name.endsWith('.yaml'));
    expect(texts).toHaveLength(10);
    expect(at.store.text(hashOfConfig(at.text('n0')))).toBeNull();
    expect(at.store.text('../state')).toBeNull();
  });

  it('whatever happens, all that may be needed has its text, and one thing runs', () => {
    const step = fc.record({
      name: fc.integer({ min: 0, max: 4 }),
      end: fc.constantFrom('kept', 'reverted', 'open'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let state = NO_STATE;
        for (const { name, end } of steps) {
          const before = state;
          const probation = probationOf(`n: ${name}`, 'file');
          state = begun(state, probation, 'now', null);
          expect(neededHashes(state)).toContain(probation.hash);
          if (end === 'kept') state = kept(state, probation, 'x');
          if (end === 'reverted') state = reverted(state, probation, 'x');
          expect(state.probation === null).toBe(end !== 'open');
          if (end !== 'kept') expect(state.active).toEqual(before.active);
          else expect(state.active?.hash).toBe(probation.hash);
          if (state.active !== null) expect(neededHashes(state)).toContain(state.active.hash);
          expect(state.history.length).toBeLessThanOrEqual(HISTORY_LENGTH);
        }
      }),
    );
  });
});
