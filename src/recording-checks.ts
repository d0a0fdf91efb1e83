/** What the schema does not see of the section `recording`. */
import { nearest } from './config-problems.ts';
import type { Finding } from './config-problems.ts';
import type { Config } from './config-schema.ts';

/** Names of sensors that would silently record nothing. */
export function recordingFindings({ recording, boards, sensors }: Config): readonly Finding[] {
  const known = [...boards, ...sensors].map(({ id }) => id);
  return recording.days.sensors.flatMap((id, i): Finding[] => {
    if (known.includes(id)) return [];
    const near = nearest(id, known);
    const remedy =
      near === null
        ? 'name a board or sensor, or none: then all are recorded, also unknown boards'
        : `did you mean "${near}"?`;
    const path = ['recording', 'days', 'sensors', i];
    return [{ path, problem: 'no board or sensor has this id', remedy }];
  });
}
