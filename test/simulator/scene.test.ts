import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_PIXELS } from '../../src/domain/frame.ts';
import { Fire, GROWTH_KW_PER_S2 } from '../../src/simulator/fire.ts';
import { between, gaussian, integerBetween, seededRandom } from '../../src/simulator/random.ts';
import { Scene } from '../../src/simulator/scene.ts';

const seconds = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe('scene', () => {
  it('is the same from the same seed and another from another', () => {
    const look = (seed: number): string => {
      const scene = new Scene({ seed, person: true, fireAtSeconds: 3 });
      return JSON.stringify(seconds(8).map((t) => [[...scene.sample(t).celsius], scene.analog(t)]));
    };
    expect(look(1)).toBe(look(1));
    expect(look(1)).not.toBe(look(2));
  });

  it('without fire stays at room temperature and within the idle readings of a real board', () => {
    const scene = new Scene({ seed: 5 });
    for (const t of seconds(600)) {
      const { celsius } = scene.sample(t);
      expect(Math.min(...celsius)).toBeGreaterThan(17);
      expect(Math.max(...celsius)).toBeLessThan(26);
      const { smoke, flame, third, digitalFlame } = scene.analog(t);
      expect(Math.abs(smoke - 281)).toBeLessThan(25);
      expect(Math.abs(flame - 1311)).toBeLessThan(25);
      expect(third).toBeLessThanOrEqual(16);
      expect(digitalFlame).toBe(0);
    }
  });

  it('shows a person that is warm, moves, and is no fire', () => {
    const scene = new Scene({ seed: 6, person: true });
    const hottest = seconds(14).map((t) => {
      const { celsius } = scene.sample(t);
      return celsius.indexOf(Math.max(...celsius)) % 32;
    });
    expect(new Set(hottest).size).toBeGreaterThan(5);
    for (const t of seconds(30)) expect(scene.peakCelsius(t)).toBeLessThan(35);
    for (const t of seconds(30)) expect(scene.peakCelsius(t)).toBeGreaterThan(29);
  });

  it.each(['slow', 'medium', 'fast', 'ultraFast'] as const)('a %s fire grows', (growth) => {
    const scene = new Scene({ seed: 7, growth, fireAtSeconds: 10 });
    const hotArea = (t: number): number => scene.sample(t).celsius.filter((c) => c > 60).length;
    expect(scene.peakCelsius(9)).toBeLessThan(26);
    const from = 10 + Math.sqrt(1 / GROWTH_KW_PER_S2[growth]);
    expect(scene.peakCelsius(from)).toBeGreaterThan(60);
    expect(scene.peakCelsius(from * 2)).toBeGreaterThan(scene.peakCelsius(from) + 20);
    expect(hotArea(from * 4)).toBeGreaterThan(hotArea(from));
  });

  it('shows flame at once and smoke later', () => {
    const scene = new Scene({ seed: 8, growth: 'fast', fireAtSeconds: 0 });
    const rise = (t: number): { smoke: number; flame: number } => {
      const { smoke, flame } = scene.analog(t);
      return { smoke: smoke - 281, flame: flame - 1311 };
    };
    expect(rise(8).flame).toBeGreaterThan(80);
    expect(rise(8).smoke).toBeLessThan(30);
    expect(rise(30).smoke).toBeGreaterThan(600);
    expect(scene.analog(45).digitalFlame).toBe(1);
  });

  it('can be set on fire and put out while it runs', () => {
    const scene = new Scene({ seed: 9 });
    expect(scene.peakCelsius(100)).toBeLessThan(26);
    scene.ignite(90);
    expect(scene.peakCelsius(100)).toBeGreaterThan(100);
    scene.extinguish();
    expect(scene.peakCelsius(100)).toBeLessThan(26);
  });

  it('has a true temperature in every pixel and readings of 12 bit at any time', () => {
    const times = fc.double({ min: -100, max: 10_000, noNaN: true });
    const growths = fc.constantFrom('slow' as const, 'ultraFast' as const);
    fc.assert(
      fc.property(times, growths, fc.integer(), (at, growth, seed) => {
        const scene = new Scene({ seed, growth, person: true, fireAtSeconds: 0, peakKw: 5000 });
        const { celsius } = scene.sample(at);
        expect(celsius).toHaveLength(FRAME_PIXELS);
        expect(celsius.every((c) => c > 10 && c <= 851)).toBe(true);
        const { smoke, flame } = scene.analog(at);
        for (const value of [smoke, flame]) {
          expect(Number.isInteger(value) && value >= 0 && value <= 4095).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('fire', () => {
  it('releases heat with the square of time, up to its peak', () => {
    const fire = new Fire({ growth: 'fast', peakKw: 200 }, seededRandom(1));
    expect(fire.at(-1).heatKw).toBe(0);
    expect(fire.at(20).heatKw).toBeCloseTo(4 * fire.at(10).heatKw, 9);
    expect(fire.at(1000).heatKw).toBe(200);
  });

  it('is followed late by what is slow, and in the end completely', () => {
    const fire = new Fire({ growth: 'fast', peakKw: 200 }, seededRandom(1));
    expect(fire.heatFollowed(5, 6, 8)).toBe(0);
    expect(fire.heatFollowed(30, 6, 8)).toBeLessThan(fire.at(30).heatKw);
    expect(fire.heatFollowed(1000, 6, 8)).toBeGreaterThan(195);
    expect(fire.heatFollowed(1000, 6, 8)).toBeLessThan(201);
  });
});

describe('seeded chance', () => {
  it('is uniform, normal where asked, and forks independently of what was drawn', () => {
    const random = seededRandom(3);
    const fresh = seededRandom(3).fork('a');
    const draws = Array.from({ length: 20_000 }, () => random.next());
    expect(draws.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(draws.reduce((a, b) => a + b) / draws.length).toBeCloseTo(0.5, 1);
    const normal = Array.from({ length: 20_000 }, () => gaussian(random));
    expect(normal.reduce((a, b) => a + b) / normal.length).toBeCloseTo(0, 1);
    expect(normal.reduce((a, b) => a + b * b) / normal.length).toBeCloseTo(1, 1);
    expect(random.fork('a').uint32()).toBe(fresh.uint32());
    expect(random.fork('a').uint32()).not.toBe(random.fork('b').uint32());
  });

  it('keeps within its limits', () => {
    const random = seededRandom('limits');
    const whole = Array.from({ length: 5000 }, () => integerBetween(random, -2, 3));
    expect([...new Set(whole)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
    for (let i = 0; i < 1000; i++) {
      const value = between(random, 5, 6);
      expect(value >= 5 && value < 6).toBe(true);
    }
  });
});
