import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config-schema.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import { sensorId } from '../../src/domain/units.ts';
import { ThermalSinks } from '../../src/thermal-sinks.ts';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { SceneCamera, seededRandom } from '../vision/scenes.ts';
import type { SceneObject } from '../vision/scenes.ts';

const SHOP = sensorId('shop');
const STOVE = { id: 'stove', rows: [4, 9], columns: [2, 9] };
const LAMP = { id: 'lamp', rows: [0, 2], columns: [28, 31], ignore: true };

function configOf(regions: readonly unknown[]) {
  return configSchema.parse({ boards: [{ id: 'shop', regions }] });
}

function brief(windows: readonly EvidenceWindow[]) {
  return windows.map((window) =>
    window.kind === 'noData' ? [window.channel, window.reason] : [window.channel, window.kind],
  );
}

const camera = new SceneCamera(
  { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 },
  seededRandom(1),
);
const stove: SceneObject = {
  kind: 'object',
  row: 5,
  column: 4,
  height: 3,
  width: 3,
  celsius: 90,
};
const facts = { calibrated: true, facts: null } as const;

describe('the sinks of thermal arrays', () => {
  it('tell each area apart, and hand over the hottest region of each', () => {
    const bank = new EvidenceBank();
    const tracks: unknown[] = [];
    const sinks = new ThermalSinks({
      config: configOf([STOVE, LAMP]),
      bank,
      onTrack: (sensor, channel, track, atMs) => {
        tracks.push([sensor, channel, track.id, track.samples.length, atMs]);
      },
    });
    sinks.of(SHOP).accept(camera.picture([stove]), facts, 1_000);
    expect(brief(bank.drain()).sort()).toEqual([
      ['thermal', 'thermal'],
      ['thermal_stove', 'thermal'],
    ]);
    expect(tracks).toEqual([[SHOP, 'thermal_stove', 1, 1, 1_000]]);
  });

  it('make a picture that cannot be believed no data of every area', () => {
    const bank = new EvidenceBank();
    const sinks = new ThermalSinks({ config: configOf([STOVE, LAMP]), bank });
    sinks.of(SHOP).accept(new Float32Array(768).fill(Number.NaN), facts, 0);
    expect(brief(bank.drain()).sort()).toEqual([
      ['thermal', 'tooManyBadPixels'],
      ['thermal_stove', 'tooManyBadPixels'],
    ]);
  });

  it('declare the areas before the first picture, to whoever has no data of it', () => {
    const bank = new EvidenceBank();
    new ThermalSinks({ config: configOf([STOVE, LAMP]), bank });
    bank.noData(SHOP, 'thermal', 'noCalibration', 'no EEPROM yet', 5);
    expect(brief(bank.drain())).toEqual([
      ['thermal', 'noCalibration'],
      ['thermal_stove', 'noCalibration'],
    ]);
  });

  it('say when a single area cannot be seen, and go on with the others', () => {
    const bank = new EvidenceBank();
    const corner = { id: 'corner', rows: [0, 0], columns: [0, 3] };
    const sinks = new ThermalSinks({ config: configOf([corner]), bank });
    const picture = camera.picture([]);
    picture.fill(Number.NaN, 0, 3);
    sinks.of(SHOP).accept(picture, facts, 0);
    expect(brief(bank.drain())).toEqual([
      ['thermal_corner', 'tooManyBadPixels'],
      ['thermal', 'thermal'],
    ]);
  });

  it('take nothing from an area when the rest of the picture cannot be seen', () => {
    const bank = new EvidenceBank();
    const most = { id: 'most', rows: [0, 22], columns: [0, 31] };
    const sinks = new ThermalSinks({ config: configOf([most]), bank });
    const picture = camera.picture([]);
    picture.fill(Number.NaN, 23 * 32, 23 * 32 + 20);
    sinks.of(SHOP).accept(picture, facts, 0);
    expect(brief(bank.drain()).sort()).toEqual([
      ['thermal', 'tooManyBadPixels'],
      ['thermal_most', 'thermal'],
    ]);
  });

  it('ask for the memory of an array once, with its mounting, and feed it', () => {
    const bank = new EvidenceBank();
    const asked: unknown[] = [];
    const sinks = new ThermalSinks({
      config: configOf([]),
      bank,
      memoryOf: (sensor, mount) => {
        const memory = new PixelMemory({ array: '', mount });
        asked.push([sensor, mount, memory]);
        return memory;
      },
    });
    for (let atMs = 0; atMs < 600_000; atMs += 2_000) {
      sinks.of(SHOP).accept(camera.picture([]), facts, atMs);
    }
    expect(asked).toMatchObject([[SHOP, { rotate: 0, mirror: false }, { isLearnt: true }]]);
  });

  it('take a sensor that the configuration does not name as one picture', () => {
    const bank = new EvidenceBank();
    const seen: unknown[] = [];
    const sinks = new ThermalSinks({
      config: configOf([STOVE]),
      bank,
      onFrame: (sensor) => seen.push(sensor),
    });
    const stranger = sensorId('stranger');
    sinks.of(stranger).accept(camera.picture([stove]), facts, 0);
    expect(brief(bank.drain())).toEqual([['thermal', 'thermal']]);
    expect(seen).toEqual([stranger]);
    expect(sinks.of(stranger)).toBe(sinks.of(stranger));
  });
});
