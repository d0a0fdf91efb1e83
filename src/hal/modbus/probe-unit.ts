/** What `embereye doctor` finds out about a Modbus unit: one reading of each group. */
import type { ModbusAddress } from '../bus-ports.ts';
import type { HalError } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import type { ProbeHost } from '../sensor-driver.ts';
import { lineName, settingsOf } from './address.ts';
import type { ModbusOptions } from './options.ts';
import { remedyOf, unitAt } from './trouble.ts';

/** Reads the first register of each group; a unit that is silent is asked only once. */
export async function probeUnit(
  options: ModbusOptions,
  address: ModbusAddress,
  host: ProbeHost,
): Promise<readonly ProbeFinding[]> {
  const area = `sensor:${host.sensor}`;
  const failing = (subject: string, error: HalError): ProbeFinding => ({
    area,
    subject,
    state: 'failed',
    found: error.message,
    remedy: remedyOf(error.kind, address),
  });
  const subject = `${lineName(address)} (${settingsOf(address)})`;
  const opened = await host.modbus.open(address);
  if (!opened.ok) return [failing(subject, opened.error)];
  const line = opened.value;
  const findings: ProbeFinding[] = [
    { area, subject, state: 'ok', found: 'can be opened', remedy: null },
  ];
  for (const group of options.groups) {
    const { unit, timeoutMs } = options;
    const { table, address: first } = group;
    const asked = `${unitAt(address, unit)}, ${table} ${first}`;
    const read = await line.read({ unit, timeoutMs, table, address: first, count: 1 });
    if (read.ok) {
      const found = `reads ${read.value[0] ?? 0}`;
      findings.push({ area, subject: asked, state: 'ok', found, remedy: null });
      continue;
    }
    findings.push(failing(asked, read.error));
    if (read.error.kind === 'timeout') break;
  }
  await line.close();
  return findings;
}
