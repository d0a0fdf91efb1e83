/** The configuration examples on the pages of the analog drivers and of contacts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { calibrationProblem } from '../../src/hal/channels/calibration.ts';
import { ads1115 } from '../../src/hal/drivers/ads1115.ts';
import { gpioContact } from '../../src/hal/drivers/gpio-contact.ts';
import { iioAdc } from '../../src/hal/drivers/iio-adc.ts';
import { mcp3208 } from '../../src/hal/drivers/mcp3208.ts';
import type { SensorDriver } from '../../src/hal/sensor-driver.ts';

const docs = join(import.meta.dirname, '../../docs/drivers');

function examples(page: string): unknown[] {
  const text = readFileSync(join(docs, `${page}.md`), 'utf8');
  return [...text.matchAll(/```yaml[^\n]*\n([\s\S]*?)```/g)].map(([, yaml = '']): unknown =>
    parse(yaml),
  );
}

describe.each<SensorDriver>([ads1115, mcp3208, iioAdc, gpioContact])(
  'the page of $kind',
  (driver) => {
    it('shows a configuration that is valid', () => {
      const shown = examples(driver.kind) as {
        sensors: { driver: string; options: unknown }[];
      }[];
      expect(shown).toHaveLength(1);
      for (const sensor of shown[0]?.sensors ?? []) {
        expect(sensor.driver).toBe(driver.kind);
        expect(driver.prepare(sensor.options)).toMatchObject({ ok: true });
      }
    });
  },
);

describe('the page of channels', () => {
  it('shows a calibration that is valid', () => {
    const [shown] = examples('channels') as {
      calibration: { measured: number; actual: number }[];
    }[];
    expect(calibrationProblem(shown?.calibration ?? [])).toBeNull();
  });
});
