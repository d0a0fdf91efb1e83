import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';

describe('the section recording', () => {
  it('has its defaults', () => {
    const result = parseConfig('{}', {}, []);
    expect(result.ok && result.config.recording).toMatchObject({
      blackBox: { enabled: true, memoryMegabytes: 16, beforeSeconds: 60, afterSeconds: 120 },
      days: { enabled: false, sensors: [] },
    });
  });

  it('refuses a day of a sensor that there is not, with the nearest one', () => {
    const text = JSON.stringify({
      boards: [{ id: 'cold-room' }],
      recording: { days: { sensors: ['cold-rom', 'attic'] } },
    });
    const result = parseConfig(text, {}, []);
    const found = result.ok ? [] : result.problems;
    expect(found.map(({ path, remedy }) => [path, remedy])).toEqual([
      ['recording.days.sensors[0]', 'did you mean "cold-room"?'],
      [
        'recording.days.sensors[1]',
        'name a board or sensor, or none: then all are recorded, also unknown boards',
      ],
    ]);
  });

  it('refuses a memory that is none', () => {
    const text = JSON.stringify({ recording: { blackBox: { memoryMegabytes: 0 } } });
    const result = parseConfig(text, {}, []);
    expect(result.ok).toBe(false);
  });
});
