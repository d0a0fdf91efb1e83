/** `embereye doctor` of a unit, over ssh. */
import type { DoctorReport } from '../../src/commands/doctor.ts';
import { summaryLines } from '../../src/commands/doctor-table.ts';
import type { SshHost } from './ssh.ts';
import { CONFIG_FILE, jsonOf, refuseWithoutProgram } from './unit.ts';

/** Null where it gave no report; `said` then tells why. */
export async function doctorOf(
  host: SshHost,
): Promise<{ readonly report: DoctorReport | null; readonly said: string }> {
  const ended = await host.runAsRoot(
    `runuser -u embereye -- embereye doctor --json ${CONFIG_FILE}`,
  );
  refuseWithoutProgram(host, ended);
  return { report: reportOf(ended), said: ended.err.trim() };
}

/** The report in a command's output; null: there is none. */
export function reportOf(ended: { readonly out: string }): DoctorReport | null {
  const raw = jsonOf(ended) as Partial<DoctorReport> | null;
  return typeof raw?.ok === 'boolean' && Array.isArray(raw.findings) ? (raw as DoctorReport) : null;
}

export function doctorLines({ findings }: DoctorReport): readonly string[] {
  return summaryLines(findings);
}
