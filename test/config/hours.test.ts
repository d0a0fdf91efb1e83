import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { ClockQuality } from '../../src/domain/event.ts';
import { hoursAt, isTimezone, scheduleOf, siteHours } from '../../src/hours.ts';

const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const;

function office(timezone: string) {
  return scheduleOf({ timezone, working: [{ days: [...WEEK], from: '07:30', to: '18:00' }] });
}

const at = (iso: string, schedule = office('Europe/Berlin')) => hoursAt(Date.parse(iso), schedule);

describe('hours of a site', () => {
  it.each([
    // A Monday in winter: UTC + 1.
    ['2026-01-05T06:29:59Z', 'off'],
    ['2026-01-05T06:30:00Z', 'working'],
    ['2026-01-05T16:59:59Z', 'working'],
    ['2026-01-05T17:00:00Z', 'off'],
    // A Monday in summer: UTC + 2.
    ['2026-07-06T05:29:59Z', 'off'],
    ['2026-07-06T05:30:00Z', 'working'],
    ['2026-07-06T15:59:59Z', 'working'],
    ['2026-07-06T16:00:00Z', 'off'],
    // A Saturday and a Sunday.
    ['2026-07-04T10:00:00Z', 'off'],
    ['2026-07-05T10:00:00Z', 'off'],
  ])('%s is %s', (iso, expected) => {
    expect(at(iso)).toBe(expected);
  });

  it('are those of the site, wherever the appliance was made', () => {
    const iso = '2026-01-05T13:00:00Z';
    expect(at(iso, office('America/New_York'))).toBe('working');
    expect(at(iso, office('Asia/Tokyo'))).toBe('off');
    expect(at(iso, office('UTC'))).toBe('working');
  });

  it('across midnight belong to the day on which they begin, Sunday to Monday too', () => {
    const night = scheduleOf({
      timezone: 'Europe/Berlin',
      working: [{ days: ['sunday'], from: '22:00', to: '06:00' }],
    });
    // Sunday, 2026-01-04.
    expect(at('2026-01-04T20:59:00Z', night)).toBe('off');
    expect(at('2026-01-04T21:00:00Z', night)).toBe('working');
    expect(at('2026-01-05T04:59:59Z', night)).toBe('working');
    expect(at('2026-01-05T05:00:00Z', night)).toBe('off');
    expect(at('2026-01-05T21:30:00Z', night)).toBe('off');
  });

  it('on the night without 02:00 to 03:00 go by the clock on the wall', () => {
    // 2026-03-29, Berlin: 01:59:59 is followed by 03:00.
    const early = scheduleOf({
      timezone: 'Europe/Berlin',
      working: [{ days: ['sunday'], from: '01:30', to: '02:30' }],
    });
    expect(at('2026-03-29T00:29:59Z', early)).toBe('off');
    expect(at('2026-03-29T00:30:00Z', early)).toBe('working');
    expect(at('2026-03-29T00:59:59Z', early)).toBe('working');
    expect(at('2026-03-29T01:00:00Z', early)).toBe('off');
  });

  it('on the night with 02:00 to 03:00 twice hold both times', () => {
    // 2026-10-25, Berlin: 02:30 comes at 00:30 UTC and at 01:30 UTC.
    const early = scheduleOf({
      timezone: 'Europe/Berlin',
      working: [{ days: ['sunday'], from: '02:15', to: '02:45' }],
    });
    for (const utc of ['00:30', '01:30'])
      expect(at(`2026-10-25T${utc}:00Z`, early)).toBe('working');
    for (const utc of ['00:14', '00:45', '01:14', '01:45']) {
      expect(at(`2026-10-25T${utc}:00Z`, early)).toBe('off');
    }
  });

  it('know the whole day', () => {
    const always = scheduleOf({
      timezone: 'UTC',
      working: [{ days: ['monday'], from: '00:00', to: '24:00' }],
    });
    expect(at('2026-01-05T00:00:00Z', always)).toBe('working');
    expect(at('2026-01-05T23:59:59Z', always)).toBe('working');
    expect(at('2026-01-06T00:00:00Z', always)).toBe('off');
  });

  it('know a timezone when they see one', () => {
    expect(['Europe/Berlin', 'UTC', 'Asia/Kathmandu'].every(isTimezone)).toBe(true);
    expect(['Europe/Berln', '', 'local', '+25:00'].some(isTimezone)).toBe(false);
  });
});

describe('what the step asks', () => {
  const text = `
hours:
  timezone: Europe/Berlin
  working: [{ days: [monday], from: "07:30", to: "18:00" }]
`;

  function asked(yaml: string, quality: () => ClockQuality = () => 'synchronised') {
    const result = parseConfig(yaml, {});
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    let wallMs = Date.parse('2026-01-05T06:29:00Z');
    const hours = siteHours(result.config, { wallMs: () => wallMs }, quality);
    return { hours, move: (ms: number) => (wallMs += ms) };
  }

  it('follows the clock, to the minute', () => {
    const { hours, move } = asked(text);
    expect(hours()).toBe('off');
    move(59_999);
    expect(hours()).toBe('off');
    move(1);
    expect(hours()).toBe('working');
    move(-60_000);
    expect(hours()).toBe('off');
  });

  it('is not known while the clock cannot be trusted', () => {
    let quality: ClockQuality = 'unsynchronised';
    const { hours } = asked(text, () => quality);
    expect(hours()).toBe('unknown');
    quality = 'synchronised';
    expect(hours()).toBe('off');
  });

  it('is nothing where the site has no hours', () => {
    expect(asked('').hours()).toBeNull();
  });
});
