/** What `embereye doctor` finds of the trained model: there, usable, and quick enough. */
import type { ModelConfig } from '../config-model.ts';
import { finding } from '../hal/doctor/world.ts';
import type { ProbeFinding } from '../hal/probe.ts';
import type { WantedModel } from '../vision/model-protocol.ts';
import type { ModelCheckDeps } from './model.ts';
import { checkModel } from './model.ts';

const AREA = 'model';

/** Opens the configured model in a process of its own, asks it, and closes it. Never rejects. */
export async function modelFindings(
  { enabled, deadlineMs }: Pick<ModelConfig, 'enabled' | 'deadlineMs'>,
  wanted: WantedModel,
  deps: Omit<ModelCheckDeps, 'io'>,
): Promise<readonly ProbeFinding[]> {
  const { file } = wanted;
  if (!enabled) {
    const found = 'not enabled: the rules decide alone';
    return [finding(AREA, file, 'note', found, 'set model.enabled to true for its vote')];
  }
  const { verdict, answerMs } = await checkModel(wanted, deps);
  if (!verdict.ok) {
    const { refusal, detail } = verdict;
    const found = refusal?.problem ?? detail;
    const remedy = refusal?.remedy ?? 'look at the memory and the load of this machine';
    return [finding(AREA, file, 'failed', `${found}; the rules decide alone`, remedy)];
  }
  const { bytes, notes, unconfined } = verdict.facts;
  const answers = `answers in ${(answerMs ?? 0).toFixed(1)} ms`;
  const findings = notes.map((note) => finding(AREA, file, 'warning', `it ${note}`, 'retrain it'));
  if (unconfined !== undefined) {
    const found = `its process keeps rights that it does not need: ${unconfined}`;
    findings.push(finding(AREA, file, 'warning', found, 'use a kernel with CONFIG_SECCOMP_FILTER'));
  }
  if (answerMs === null || answerMs <= deadlineMs) {
    return [finding(AREA, file, 'ok', `usable, ${bytes} bytes, ${answers}`), ...findings];
  }
  const late = `${answers}, later than model.deadlineMs (${deadlineMs} ms)`;
  const remedy = 'look at the load of this machine, or raise model.deadlineMs';
  return [finding(AREA, file, 'warning', late, remedy), ...findings];
}
