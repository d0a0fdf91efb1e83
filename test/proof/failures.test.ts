/** Each stage broken in turn: the proof says which one it is, and what to do. */
import { describe, expect, it } from 'vitest';
import { sensorId } from '../../src/domain/units.ts';
import type { Proof } from './bench.ts';
import { ALONE, Bench, detailOf, outcomes, room } from './bench.ts';

/** The stage at which a proof failed, and the fault that tells it. */
async function failure(bench: Bench, proof: Proof): Promise<readonly [string, string]> {
  await bench.clock.run(300);
  const stage = proof.stages.find(({ outcome }) => outcome === 'failed')?.stage ?? 'none';
  const fault = bench.faults().find((one) => one.fault === 'proofFailed');
  expect(fault?.detail, 'the fault names the stage').toContain(`stage ${stage}:`);
  expect(proof.outcome).toBe('failed');
  return [stage, detailOf(proof, stage === 'none' ? 'sensor' : stage)];
}

const alone = (over: Readonly<Record<string, unknown>>) => ({ over: { ...ALONE, ...over } });
const hall = (over: Readonly<Record<string, unknown>>) => ({
  id: 'hall',
  sensors: [{ sensor: 'array', channel: 'thermal', role: 'thermal' }],
  ...over,
});

describe('a broken alarm path', () => {
  it('sensor: an array that went silent', async () => {
    const bench = await Bench.start(alone({}));
    await bench.clock.run(5000);
    bench.scene = null;
    await bench.clock.run(20_000);
    const [stage, why] = await failure(bench, await bench.proof());
    expect(stage).toBe('sensor');
    expect(why).toMatch(/array has been silent for 20 s, 10 s are allowed: look at its supply/);
  });

  it('sensor: an array that never came', async () => {
    const bench = await Bench.start(alone({ boards: [{ id: 'array' }] }));
    bench.scene = null;
    const [stage, why] = await failure(bench, await bench.proof());
    expect([stage, why]).toEqual(['sensor', expect.stringContaining('no thermal words')]);
  });

  it('decode: frames that the decoder refuses', async () => {
    const bench = await Bench.start(alone({}));
    await bench.clock.run(5000);
    // A supply that no array has: the decoder withholds every frame.
    bench.supplyVolts = 5;
    await bench.clock.run(20_000);
    const [stage, why] = await failure(bench, await bench.proof());
    expect(stage).toBe('decode');
    expect(why).toContain('they are refused: implausibleVdd');
  });

  it('decode: a calibration that is none', async () => {
    const bench = await Bench.start({ ...alone({}), isWired: true });
    await bench.clock.run(3000);
    const broken = bench.array.eeprom.slice().fill(0, 10);
    bench.sendEeprom(broken);
    await bench.clock.run(20_000);
    const [stage, why] = await failure(bench, await bench.proof());
    expect([stage, why]).toEqual(['decode', expect.stringContaining('noCalibration')]);
  });

  it('detection: a zone whose whole picture is masked is blind', async () => {
    const regions = [{ id: 'mask', rows: [0, 23], columns: [0, 29], ignore: true }];
    const bench = await Bench.start(
      alone({ boards: [{ id: 'array', cadenceSeconds: 1, regions }] }),
    );
    await bench.clock.run(5000);
    const [stage, why] = await failure(bench, await bench.proof());
    expect(stage).toBe('detection');
    expect(why).toMatch(/no 3 x 3 pixels of thermal that are looked at: masks/);
  });

  it('detection: a named area is proven where it is, however the array hangs', async () => {
    const regions = [{ id: 'oven', rows: [20, 29], columns: [2, 6] }];
    const mount = { rotate: 90, mirror: true } as const;
    const boards = [{ id: 'array', cadenceSeconds: 1, mount, regions }];
    const rest = hall({ id: 'rest' });
    const sensors = [{ sensor: 'array', channel: 'thermal_oven', role: 'thermal' }];
    const bench = await Bench.start({
      ...alone({ boards, zones: [hall({ sensors }), rest] }),
      mount,
    });
    await bench.clock.run(5000);
    const proof = await bench.proof();
    expect(proof.outcome).toBe('passed');
    expect(detailOf(proof, 'detection')).toMatch(/9 pixels, at row 2[45], column 4 of array/);
  });

  it('decision: limits above all that an array can measure', async () => {
    const limits = { thermalCelsius: 295, criticalCelsius: 300 };
    const bench = await Bench.start(alone({ zones: [hall({ limits })] }));
    await bench.clock.run(5000);
    const [stage, why] = await failure(bench, await bench.proof());
    expect(stage).toBe('decision');
    expect(why).toMatch(/no alarm within 10.0 s.*critical limit of 300 C: look at limits/);
  });

  it('decision: a smallest area that the spot does not have is said, not hidden', async () => {
    const limits = { thermalCelsius: 60, criticalCelsius: 200, smallestPixels: 200 };
    const bench = await Bench.start(alone({ zones: [hall({ limits })] }));
    await bench.clock.run(5000);
    const proof = await bench.proof();
    // Critical alarms whatever the area is.
    expect(proof.outcome).toBe('passed');
  });

  it('output: a relay that is stuck, told and mended', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.relayWorks = false;
    const [stage, why] = await failure(bench, await bench.proof());
    expect(stage).toBe('output');
    expect(why).toContain('siren energised: its feedback does not follow: look at the relay');
    bench.relayWorks = true;
    const again = await bench.proof();
    expect(again.outcome).toBe('passed');
    await bench.clock.run(300);
    expect(bench.faults()).toEqual([]);
  });

  it('output: a line whose level does not move', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.breakSiren();
    expect((await failure(bench, await bench.proof()))[0]).toBe('output');
  });

  it('journal: a disk that takes nothing', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.stall();
    const proof = await bench.proof();
    const [stage, why] = await failure(bench, proof);
    expect([stage, why]).toEqual(['journal', expect.stringContaining('not durable within 30 s')]);
  });

  it('broker: away, and required', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.broker.goDown();
    const proof = await bench.proof();
    const [stage, why] = await failure(bench, proof);
    expect(stage).toBe('broker');
    expect(why).toContain('not acknowledged within 30 s by centre');
    expect(outcomes(proof)).toMatchObject({ journal: 'passed', central: 'failed' });
  });

  it('broker: away, and optional, is marked and no failure', async () => {
    const proof = { enabled: false, broker: 'optional', central: 'off' };
    const bench = await Bench.start({ over: { proof } });
    await bench.clock.run(5000);
    bench.broker.goDown();
    const made = await bench.proof();
    expect(made.outcome).toBe('passed');
    expect(outcomes(made).broker).toBe('notProven');
  });

  it('central: a server that says nothing, and one that says another proof', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.centralAnswers = false;
    const [stage, why] = await failure(bench, await bench.proof());
    expect([stage, why]).toEqual(['central', expect.stringContaining('confirmProof')]);
    const second = bench.proof();
    await bench.clock.run(2000);
    await bench.order({ kind: 'confirmProof', proof: 'another' }, 'mqtt:centre');
    expect((await second).outcome).toBe('failed');
  });

  it('a person at the box is no central server', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.centralAnswers = false;
    const made = bench.proof();
    for (let s = 0; s < 5; s++) {
      await bench.clock.run(500);
      const event = bench.events.find(({ type }) => type === 'proof');
      if (event?.type !== 'proof') continue;
      void bench.order({ kind: 'confirmProof', proof: event.data.proof }, 'cli:anna');
    }
    expect(outcomes(await made).central).toBe('failed');
  });

  it('counts its failures by stage', async () => {
    const bench = await Bench.start(alone({}));
    bench.scene = null;
    await bench.proof();
    await bench.proof();
    await bench.clock.run(300);
    expect(bench.core.runtime.view().outputs.faultRelay, 'a failed proof is a fault').toBe(false);
    expect([...bench.desk.failures]).toEqual([['sensor', 2]]);
    expect(bench.desk.ages[0]?.seconds).toBe(1e9);
  });
});

describe('an output that is not proven', () => {
  const outputs = (how: string) => ({
    enabled: false,
    outputs: how,
    broker: 'off',
    central: 'off',
  });

  it('silent: said, and no failure', async () => {
    const bench = await Bench.start({ over: { proof: outputs('silent') } });
    await bench.clock.run(5000);
    const proof = await bench.proof();
    expect(proof.outcome).toBe('passed');
    expect(outcomes(proof).output).toBe('notProven');
    expect(bench.sirenRose).toBe(0);
  });

  it('feedback: read and not driven; a relay that hangs is seen', async () => {
    const bench = await Bench.start({ over: { proof: outputs('feedback') } });
    await bench.clock.run(5000);
    const proof = await bench.proof();
    expect(detailOf(proof, 'output')).toContain('not driven, so that it sounds is not shown');
    bench.relayWorks = false;
    bench.hangFeedback();
    await bench.clock.run(500);
    expect((await failure(bench, await bench.proof()))[0]).toBe('output');
    expect(bench.sirenRose).toBe(0);
  });

  it('disabled: left alone, and said', async () => {
    const bench = await Bench.start({ over: { proof: outputs('pulse') } });
    await bench.clock.run(5000);
    void bench.order({ kind: 'disableOutput', output: 'siren', forMs: 600_000 });
    await bench.clock.run(200);
    const proof = await bench.proof();
    expect(detailOf(proof, 'output')).toBe('siren is disabled');
    expect(outcomes(proof).output).toBe('notProven');
    expect(bench.sirenRose).toBe(0);
  });
});

describe('a proof that has to wait', () => {
  it.each([
    ['disable', { kind: 'disable', zone: 'hall', forMs: 600_000 }, 'zone hall is disabled'],
    ['walk test', { kind: 'test', zone: 'hall', forMs: 600_000 }, 'zone hall is in walk test'],
    ['maintenance', { kind: 'maintenance', forMs: 600_000 }, 'maintenance holds the outputs off'],
    [
      'a disabled sensor',
      { kind: 'disableSensor', sensor: sensorId('array'), forMs: 600_000 },
      'sensor array is disabled',
    ],
  ])('%s', async (_, command, why) => {
    const bench = await Bench.start(alone({}));
    await bench.clock.run(5000);
    void bench.order(command as Parameters<Bench['order']>[0]);
    await bench.clock.run(200);
    expect(await bench.proof()).toMatchObject({ outcome: 'postponed', detail: why, stages: [] });
    expect(bench.faults()).toEqual([]);
  });

  it('an alarm', async () => {
    const bench = await Bench.start(alone({}));
    await bench.clock.run(5000);
    bench.scene = room(150);
    await bench.clock.run(5000);
    expect(await bench.proof()).toMatchObject({ outcome: 'postponed' });
    expect(bench.alarms()).toContain('alarm');
  });
});
