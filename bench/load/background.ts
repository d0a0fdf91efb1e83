/** `embereye load` in a process of its own, so that offering load costs the measurer nothing. */
import { spawn } from 'node:child_process';
import type { LoadReport } from '../../src/commands/load-report.ts';
import { ended, PROGRAM } from '../appliance-process.ts';

export interface Load {
  /** The load test's own report; rejects where it printed none. */
  readonly report: Promise<LoadReport>;
  stop(): Promise<void>;
}

/** @param options of `embereye load`, without `--json`. */
export function startLoad(options: Readonly<Record<string, string | number | boolean>>): Load {
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : value === false ? [] : [`--${name}`, String(value)],
  );
  const child = spawn(process.execPath, [PROGRAM, 'load', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  const report = new Promise<LoadReport>((resolve, reject) => {
    child.once('close', (code) => {
      if (text !== '') resolve(JSON.parse(text) as LoadReport);
      else reject(new Error(`embereye load ended with code ${code} and without a report`));
    });
  });
  return { report, stop: () => ended(child) };
}
