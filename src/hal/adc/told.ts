/** One reading in the words of `embereye doctor`. */
import { inUnit } from '../channels/channel.ts';
import { loopTrouble, loopStateOf } from '../channels/ne43.ts';
import type { ChannelOptions, ElectricalOptions } from '../channels/options.ts';
import { resolveChannel } from '../channels/options.ts';
import type { HalResult } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import type { Voltage } from './sampler.ts';

export function toldReading(
  channel: ChannelOptions & ElectricalOptions,
  reading: HalResult<Voltage>,
): Pick<ProbeFinding, 'state' | 'found' | 'remedy'> {
  if (!reading.ok) {
    const remedy = 'check supply, wires and the options of this sensor';
    return { state: 'failed', found: reading.error.message, remedy };
  }
  const { volts, end } = reading.value;
  const pin = `${volts.toFixed(4)} V at the pin`;
  const { isLoop } = resolveChannel(channel);
  if (isLoop) {
    const milliamps = inUnit(channel, volts);
    const trouble = loopTrouble(loopStateOf(milliamps), milliamps);
    const remedy = 'check the loop: 24 V supply, both wires, polarity, the shunt';
    if (trouble !== null) return { state: 'failed', found: `${pin}: ${trouble}`, remedy };
  }
  if (end !== 'within') {
    const remedy = 'check the wire and the range; rangeEnd: accept where this is normal';
    return { state: 'warning', found: `${pin}: the ${end} end of the converter`, remedy };
  }
  const unit = channel.shuntOhm === null ? 'V' : 'mA';
  return {
    state: 'ok',
    found: `${pin}: ${inUnit(channel, volts).toFixed(3)} ${unit}`,
    remedy: null,
  };
}
