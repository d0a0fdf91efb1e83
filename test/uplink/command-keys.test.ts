import { createHmac, generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandOutcome } from '../../src/domain/command.ts';
import { signedText } from '../../src/uplink/command-sign.ts';
import { DeskBench, folder, ROOT, SECRET, Senders, Shelf, TOKEN_WORD } from './command-bench.ts';

const senders = () => new Senders();

describe('signed commands', () => {
  it('are signed over five lines that anybody can write', () => {
    const signed = { root: ROOT, name: 'reset', keyId: 'hall', command: '{"requestId":"r"}' };
    const text = `embereye-command-1\n${ROOT}\nreset\nhall\n{"requestId":"r"}`;
    expect(signedText(signed)).toBe(text);
  });

  it.each(['centre', 'hall'])('of %s have the level and the name of their key', async (keyId) => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({ require: 'signature' });
    const fields = { requestId: 'r-1', issuedAt: bench.issuedAt(), actor: 'anna', zone: 'kitchen' };
    expect(await bench.send('reset', by.sign('reset', fields, keyId))).toMatchObject({ ok: true });
    const level = keyId === 'centre' ? 'installer' : 'operator';
    expect(bench.submitted).toMatchObject([{ origin: `mqtt:anna(${keyId})`, level }]);
  });

  it('HMAC is that of every library', async () => {
    const bench = await new DeskBench(senders().sources).open({ require: 'signature' });
    const command = JSON.stringify({ requestId: 'r', issuedAt: bench.issuedAt() });
    const mac = createHmac('sha256', SECRET);
    mac.update(`embereye-command-1\n${ROOT}\nsilence\nhall\n${command}`);
    const body = { keyId: 'hall', signature: mac.digest('base64'), command };
    expect(await bench.send('silence', body)).toMatchObject({ ok: true });
  });

  it('any change of text, name, root, key or signature is refused and journalled', async () => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({ require: 'signature' });
    const issuedAt = bench.issuedAt();
    const good = by.sign('reset', { requestId: 'r', issuedAt, zone: 'kitchen' });
    const wrong: [string, object][] = [
      ['silence', good],
      ['reset', { ...good, command: good['command']?.replace('kitchen', 'kitchem') }],
      ['reset', { ...good, keyId: 'hall' }],
      ['reset', { ...good, keyId: 'nobody' }],
      ['reset', { ...good, keyId: 'reader' }],
      ['reset', { ...good, signature: `A${good['signature']?.slice(1) ?? ''}` }],
      ['reset', by.sign('reset', { requestId: 'r', issuedAt }, 'centre', 'embereye/v1/other')],
    ];
    for (const [name, body] of wrong) {
      expect(await bench.send(name, body)).toMatchObject({ ok: false, error: 'notPermitted' });
    }
    expect(bench.submitted).toEqual([]);
    expect(bench.refused).toHaveLength(wrong.length);
    expect(await bench.send('reset', good)).toMatchObject({ ok: true });
  });

  it('never throws, and lets nothing pass, whatever stands for a signature', async () => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({
      ...{ require: 'signature', answersPerSecond: 1e9, perSecond: 1e9, burst: 1e9 },
    });
    const good = by.sign('reset', { requestId: 'r', issuedAt: bench.issuedAt() });
    const body = fc.record(
      {
        keyId: fc.constantFrom('centre', 'hall', 'x'),
        signature: fc.string(),
        command: fc.string(),
      },
      { requiredKeys: [] },
    );
    const mixed = body.map((part) => ({ ...good, ...part }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(body, mixed), async (one) => {
        const answer = await bench.send('reset', one);
        const keys = ['keyId', 'signature', 'command'] as const;
        expect(answer['ok'] === true).toBe(keys.every((key) => one[key] === good[key]));
      }),
    );
  });

  it.each([
    ['no requestId', { issuedAt: 'now' }, 'badArgument', 'requestId'],
    ['no time and no counter', { requestId: 'r' }, 'badArgument', 'issuedAt'],
    ['a time long ago', { requestId: 'r', issuedAt: 'old' }, 'stale', 'valid for 30 s'],
    [
      'a long expiry of its own',
      { requestId: 'r', issuedAt: 'old', expiresInSeconds: 1e6 },
      'stale',
      'valid for 60 s',
    ],
    ['a token inside', { requestId: 'r', counter: 1, token: 'x' }, 'badArgument', 'token'],
    ['a counter with a fraction', { requestId: 'r', counter: 1.5 }, 'badArgument', 'counter'],
  ])('with %s are refused', async (_, fields, error, word) => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({ require: 'signature' });
    const times: Record<string, string> = {
      now: bench.issuedAt(),
      old: bench.issuedAt(61_000),
    };
    const timed = 'issuedAt' in fields ? { ...fields, issuedAt: times[fields.issuedAt] } : fields;
    const answer = await bench.send('reset', by.sign('reset', timed));
    expect(answer).toMatchObject({ ok: false, error });
    expect(answer['detail']).toContain(word);
  });

  it('need a counter while the clock is not set', async () => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({ require: 'signature' });
    bench.isClockRight = false;
    const timed = by.sign('reset', { requestId: 'a', issuedAt: bench.issuedAt() });
    const answer = await bench.send('reset', timed);
    expect(answer).toMatchObject({ ok: false, error: 'stale' });
    expect(answer['detail']).toContain('"counter"');
    const counted = by.sign('reset', { requestId: 'b', counter: 7 });
    expect(await bench.send('reset', counted)).toMatchObject({ ok: true });
    const again = by.sign('reset', { requestId: 'c', counter: 7 });
    expect(await bench.send('reset', again)).toMatchObject({ ok: false, error: 'stale' });
  });
});

describe('the same command again', () => {
  it('by the same key is answered, not executed, also after a restart', async () => {
    const by = senders();
    const shelf = new Shelf();
    const first = await new DeskBench(by.sources).open({}, shelf);
    const body = by.sign('reset', { requestId: 'r', issuedAt: first.issuedAt() });
    const counted = by.sign('silence', { requestId: 'n', counter: 5 });
    const answers = [await first.send('reset', body), await first.send('silence', counted)];
    expect(await first.send('reset', body)).toEqual(answers[0]);
    const second = await new DeskBench(by.sources, first.clock).open({}, shelf);
    expect(await second.send('reset', body)).toEqual(answers[0]);
    expect(await second.send('silence', counted)).toEqual(answers[1]);
    expect(second.submitted).toEqual([]);
    const old = by.sign('silence', { requestId: 'm', counter: 5 });
    expect(await second.send('silence', old)).toMatchObject({ ok: false, error: 'stale' });
  });

  it('with other words is refused, also after a restart', async () => {
    const shelf = new Shelf();
    const first = await new DeskBench().open({}, shelf);
    await first.send('reset', { requestId: 'r', zone: 'a' });
    const second = await new DeskBench([], first.clock).open({}, shelf);
    const answer = await second.send('reset', { requestId: 'r', zone: 'b' });
    expect(answer).toMatchObject({ ok: false, error: 'badArgument' });
    expect(answer['detail']).toContain('used for another command');
    expect(second.refused).toMatchObject([{ requestId: 'r', command: 'reset' }]);
  });

  it('of two senders is two commands', async () => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open();
    await bench.send('reset', { requestId: 'r' });
    await bench.send('reset', by.sign('reset', { requestId: 'r', counter: 1 }, 'centre'));
    await bench.send('reset', by.sign('reset', { requestId: 'r', counter: 1 }, 'hall'));
    expect(bench.submitted).toHaveLength(3);
  });

  it('that a kill interrupted is given to the panel again, which knows what it did', async () => {
    const by = senders();
    const shelf = new Shelf();
    const first = await new DeskBench(by.sources).open({}, shelf);
    first.answer = () => new Promise<CommandOutcome>(() => undefined);
    const counted = by.sign('reset', { requestId: 'r', counter: 5 });
    void first.send('reset', counted);
    await first.clock.run(10);
    expect(first.submitted).toHaveLength(1);
    const second = await new DeskBench(by.sources, first.clock).open({}, shelf);
    expect(await second.send('reset', counted)).toMatchObject({ ok: true });
    expect(second.submitted).toHaveLength(1);
  });

  it('cannot be replayed when it is forgotten, even by a clock that is set back', async () => {
    const by = senders();
    const shelf = new Shelf();
    const bench = await new DeskBench(by.sources).open({}, shelf);
    const issuedAt = bench.issuedAt();
    const body = by.sign('reset', { requestId: 'r', issuedAt });
    await bench.send('reset', body);
    bench.clock.advance(700_000);
    // Something else makes the desk forget.
    await bench.send('silence', { requestId: 'x' });
    const later = await new DeskBench(by.sources).open({}, shelf);
    expect(later.clock.wallMs()).toBeLessThan(bench.clock.wallMs() - 600_000);
    const answer = await later.send('reset', body);
    expect(answer).toMatchObject({ ok: false, error: 'stale' });
    expect(answer['detail']).toContain('long done');
  });
});

describe('who may command', () => {
  it.each([
    ['none', 'nothing', true],
    ['none', 'token', true],
    ['none', 'signature', true],
    ['token', 'nothing', false],
    ['token', 'token', true],
    ['token', 'signature', true],
    ['signature', 'nothing', false],
    ['signature', 'token', false],
    ['signature', 'signature', true],
  ] as const)('where %s is required, with %s: %s', async (require, what, isGood) => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({ require });
    const body = {
      nothing: { requestId: 'r' },
      token: { requestId: 'r', keyId: 'reader', token: TOKEN_WORD },
      signature: by.sign('snapshot', { requestId: 'r', counter: 1 }),
    }[what];
    const answer = await bench.send('snapshot', body);
    expect(answer['ok']).toBe(isGood);
    expect(bench.snapshots).toHaveLength(isGood ? 1 : 0);
    if (!isGood) expect(answer).toMatchObject({ error: 'notPermitted' });
  });

  it('a wrong token is refused, also where nothing is required, and never shown', async () => {
    const bench = await new DeskBench(senders().sources).open();
    for (const token of ['', 'x', `${TOKEN_WORD}x`, TOKEN_WORD.slice(1)]) {
      const answer = await bench.send('snapshot', { requestId: 'r', keyId: 'reader', token });
      expect(answer).toMatchObject({ ok: false, error: 'notPermitted' });
    }
    expect(JSON.stringify([bench.refused, bench.answers])).not.toContain(TOKEN_WORD.slice(1));
  });

  it('configure needs an installer; an operator is refused and journalled', async () => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open();
    const change = { requestId: 'r', counter: 1, text: '', baseHash: '0123456789abcdef' };
    const hall = await bench.send('configure', by.sign('configure', change, 'hall'));
    expect(hall).toMatchObject({ ok: false, error: 'notPermitted' });
    expect(hall['detail']).toContain('configure needs access level installer, not operator');
    expect(bench.refused).toMatchObject([{ origin: 'mqtt:unnamed(hall)', command: 'configure' }]);
    const centre = await bench.send('configure', by.sign('configure', change, 'centre'));
    expect(centre).toMatchObject({ ok: true, detail: 'applied' });
    expect(bench.configured).toMatchObject([
      { broker: 'central', change: { kind: 'apply', dryRun: false } },
    ]);
  });

  it.each([
    [{}, 'one of'],
    [{ text: '', confirm: '0123456789abcdef' }, 'one of'],
    [{ text: '' }, '"baseHash"'],
    [{ text: 7, baseHash: '0123456789abcdef' }, '"text"'],
    [{ text: '', baseHash: '../../../etc/pass' }, '"baseHash"'],
    [{ rollback: '../x' }, '"rollback"'],
    [{ confirm: 1 }, '"confirm"'],
    [{ text: '', baseHash: '0123456789abcdef', dryRun: 'yes' }, '"dryRun"'],
  ])('configure with %j is refused', async (fields, word) => {
    const bench = await new DeskBench().open({ level: 'installer' });
    const answer = await bench.send('configure', { requestId: 'r', ...fields });
    expect(answer).toMatchObject({ ok: false, error: 'badArgument' });
    expect(answer['detail']).toContain(word);
  });
});

describe('floods', () => {
  it('beyond the rate are answered as overloaded, and beyond that only counted', async () => {
    const bench = await new DeskBench().open({ burst: 5, answersPerSecond: 8 });
    for (let i = 0; i < 20; i += 1) await bench.send('reset', { requestId: `r-${i}` });
    expect(bench.submitted).toHaveLength(5);
    expect(bench.answers).toHaveLength(8);
    expect(bench.answers.at(-1)).toMatchObject({ error: 'overloaded', requestId: 'r-7' });
    expect(bench.refused).toHaveLength(15);
    bench.clock.advance(1000);
    expect(await bench.send('reset', { requestId: 'later' })).toMatchObject({ ok: true });
  });

  it('of others do not use up the rate of a key', async () => {
    const by = senders();
    const bench = await new DeskBench(by.sources).open({ burst: 3 });
    for (let i = 0; i < 20; i += 1) await bench.send('reset', { requestId: `r-${i}` });
    const body = by.sign('silence', { requestId: 'r', counter: 1 });
    expect(await bench.send('silence', body)).toMatchObject({ ok: true });
  });

  it('whole states are given five at once, then one in ten seconds', async () => {
    const bench = await new DeskBench().open();
    for (let i = 0; i < 8; i += 1) await bench.send('snapshot', { requestId: `s-${i}` });
    expect(bench.snapshots).toHaveLength(5);
    bench.clock.advance(10_000);
    expect(await bench.send('snapshot', { requestId: 's' })).toMatchObject({ ok: true });
  });

  it('a memory full of what is still valid refuses keys, and serves the others', async () => {
    const by = senders();
    const wide = { perSecond: 1e6, burst: 1e6, answersPerSecond: 1e6 };
    const bench = await new DeskBench(by.sources).open(wide);
    for (let i = 0; i < 1024; i += 1) {
      const body = by.sign('reset', { requestId: `r-${i}`, counter: i }, 'hall');
      await bench.send('reset', body);
    }
    expect(bench.submitted).toHaveLength(1024);
    const one = by.sign('reset', { requestId: 'one', counter: 5000 }, 'hall');
    expect(await bench.send('reset', one)).toMatchObject({ ok: false, error: 'overloaded' });
    bench.clock.advance(600_001);
    expect(await bench.send('reset', one)).toMatchObject({ ok: true });
  });
});

describe('the files of keys', () => {
  it('that cannot be used are faults with a remedy, and read again when they change', async () => {
    const place = folder();
    const at = (name: string) => join(place, name);
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(at('private'), pem);
    writeFileSync(at('short'), 'too short');
    const base = { level: 'installer' } as const;
    const bench = await new DeskBench([
      { ...base, id: 'gone', algorithm: 'hmacSha256', file: at('gone') },
      { ...base, id: 'private', algorithm: 'ed25519', file: at('private') },
      { ...base, id: 'short', algorithm: 'hmacSha256', file: at('short') },
      { ...base, id: 'word', algorithm: 'token', file: at('short') },
    ]).open();
    expect(bench.faults.map(({ subject, raised }) => [subject, raised])).toEqual([
      ['key:gone', true],
      ['key:private', true],
      ['key:short', true],
      ['key:word', true],
    ]);
    expect(bench.faults.map(({ detail }) => detail).join('\n')).toMatch(
      /ENOENT[\s\S]*private key, which belongs[\s\S]*fewer than 32[\s\S]*fewer than 16/,
    );
    expect(JSON.stringify(bench.faults)).not.toContain('too short');
    const token = 'a word that is long enough';
    const ask = () => bench.send('snapshot', { requestId: 'r', keyId: 'word', token });
    expect((await ask())['detail']).toContain('file of that key');
    writeFileSync(at('short'), token);
    await bench.keys.look();
    expect(bench.faults.at(-1)).toMatchObject({ subject: 'key:word', raised: false });
    expect(await ask()).toMatchObject({ ok: true });
    rmSync(at('short'));
    await bench.keys.look();
    expect(await ask()).toMatchObject({ ok: false, error: 'notPermitted' });
  });
});
