/** How hot the processor is: the hottest of the kernel's thermal zones. */
import type { KernelFiles } from '../bus-ports.ts';
import type { BoxReader, BoxReport, Unread } from './report.ts';
import { above, NOTHING, numberIn, shown, unreadable } from './report.ts';

const ZONES = '/sys/class/thermal';
export const HOT_HYSTERESIS_CELSIUS = 5;
/** What silicon survives; a zone that says otherwise has no sensor behind it. */
const PLAUSIBLE = { min: -40, max: 150 };
const WHAT = 'temperature of the processor';

/**
 * Reading `cpuCelsius`, fault `boxHot`. Zones that do not answer are left out while another does:
 * on Jetsons the zones of parts that are switched off answer EAGAIN.
 * @param limitCelsius a Raspberry Pi slows down between 80 and 85 C
 */
export function temperatureReader(files: KernelFiles, limitCelsius: number): BoxReader {
  return {
    name: WHAT,
    async read() {
      const listed = await files.list(ZONES);
      if (!listed.ok) return unreadable(WHAT, listed.error);
      const zones = listed.value.filter((name) => /^thermal_zone\d+$/.test(name));
      let hottest: { readonly celsius: number; readonly type: string } | null = null;
      const unread: Unread[] = [];
      for (const zone of zones) {
        const text = await files.read(`${ZONES}/${zone}/temp`);
        const celsius = (numberIn(text) ?? Number.NaN) / 1000;
        if (celsius >= PLAUSIBLE.min && celsius <= PLAUSIBLE.max) {
          if (hottest !== null && hottest.celsius >= celsius) continue;
          const type = await files.read(`${ZONES}/${zone}/type`);
          hottest = { celsius, type: type.ok ? type.value : zone };
          continue;
        }
        const why = text.ok ? `${zone} says "${text.value.slice(0, 20)}"` : text.error.message;
        unread.push({ what: WHAT, why });
      }
      if (hottest !== null) return judged(hottest.celsius, hottest.type, limitCelsius);
      return { ...NOTHING, unread };
    },
  };
}

function judged(celsius: number, type: string, limitCelsius: number): BoxReport {
  const verdict = above(celsius, limitCelsius, HOT_HYSTERESIS_CELSIUS);
  const measured = `${type} is at ${shown(celsius)} C, limit ${shown(limitCelsius)} C`;
  const remedy = 'clean or fit a heat sink and fan, let air into the case, keep it from the sun';
  const detail = verdict === 'bad' ? `${measured}: ${remedy}` : measured;
  return {
    present: [WHAT],
    readings: [{ name: 'cpuCelsius', value: celsius, unit: 'celsius' }],
    conditions: [{ fault: 'boxHot', verdict, detail }],
    unread: [],
  };
}
