/** The configuration examples and the figures on the pages of the array drivers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mlx90640I2c } from '../../src/hal/drivers/mlx90640-i2c.ts';
import { mlx90640Uart } from '../../src/hal/drivers/mlx90640-uart.ts';
import { dumpMs, highestRefreshHz } from '../../src/hal/mlx90640/bus-speed.ts';
import type { SensorDriver } from '../../src/hal/sensor-driver.ts';

const docs = join(import.meta.dirname, '../../docs/drivers');
const page = (kind: string): string => readFileSync(join(docs, `${kind}.md`), 'utf8');

describe.each<SensorDriver>([mlx90640I2c, mlx90640Uart])('the page of $kind', (driver) => {
  it('shows a configuration that is valid', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page(driver.kind)) ?? [];
    const { sensors } = parse(yaml) as { sensors: { driver: string; options: unknown }[] };
    expect(sensors).toHaveLength(1);
    for (const sensor of sensors) {
      expect(sensor.driver).toBe(driver.kind);
      expect(driver.prepare(sensor.options)).toMatchObject({ ok: true });
    }
  });
});

describe('the page of mlx90640-i2c', () => {
  it.each([
    ['100 kHz', 100_000],
    ['400 kHz', 400_000],
    ['1 MHz', 1_000_000],
  ])('gives the figures of the arithmetic at %s', (name, speedHz) => {
    const row = page('mlx90640-i2c')
      .split('\n')
      .find((line) => line.startsWith(`| ${name}`));
    expect(row).toContain(
      `| ${Math.round(dumpMs(speedHz))} ms | ${highestRefreshHz(speedHz)} Hz |`,
    );
  });
});
