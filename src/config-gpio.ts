/** Checks of the wired lines: each used once, each named so that its backend can find it. */
import type { Finding, Path } from './config-problems.ts';
import { nearest } from './config-problems.ts';
import type { Config } from './config-schema.ts';

type Line = Config['gpio']['outputs'][number] | Config['gpio']['inputs'][number];

interface Placed {
  readonly line: Line;
  readonly path: Path;
}

export function gpioFindings(config: Config): readonly Finding[] {
  const { outputs, inputs } = config.gpio;
  const lines: Placed[] = [
    ...outputs.map((line, i) => ({ line, path: ['gpio', 'outputs', i] as Path })),
    ...inputs.map((line, i) => ({ line, path: ['gpio', 'inputs', i] as Path })),
  ];
  return [
    ...usedTwice(lines),
    ...lines.flatMap((placed) => addressing(placed, config.gpio.backend)),
    ...feedbacks(config),
  ];
}

function usedTwice(lines: readonly Placed[]): Finding[] {
  const used = new Map<string, string>();
  return lines.flatMap(({ line, path }): Finding[] => {
    const key = `${line.chip}:${line.line}`;
    const other = used.get(key);
    used.set(key, line.id);
    if (other === undefined) return [];
    return [
      {
        path: [...path, 'line'],
        problem: `line ${line.line} of ${line.chip} is already used by "${other}"`,
        remedy: 'give each output and input its own line',
      },
    ];
  });
}

function addressing({ line, path }: Placed, backend: Config['gpio']['backend']): Finding[] {
  const findings: Finding[] = [];
  const named = typeof line.line === 'string';
  if (backend !== 'simulated' && line.chip === 'simulated') {
    findings.push({
      path: [...path, 'chip'],
      problem: 'no chip is named',
      remedy: 'write the label of the GPIO chip, for example pinctrl-bcm2711',
    });
  }
  if (line.chip === '*' && !named) {
    findings.push({
      path: [...path, 'chip'],
      problem: `"*" with the offset ${line.line} could be any chip`,
      remedy: 'write the label of the chip, or the name of the line',
    });
  }
  if (backend === 'onoff' && named) {
    findings.push({
      path: [...path, 'line'],
      problem: 'the backend onoff knows no line names',
      remedy: 'write the offset on the chip, or use the backend cdev',
    });
  }
  return findings;
}

function feedbacks({ gpio }: Config): Finding[] {
  const known = gpio.inputs.filter(({ role }) => role === 'feedback').map(({ id }) => id);
  const used = new Map<string, string>();
  const findings = gpio.outputs.flatMap(({ id, feedback }, i): Finding[] => {
    if (feedback === null) return [];
    const path = ['gpio', 'outputs', i, 'feedback'];
    const other = used.get(feedback);
    used.set(feedback, id);
    if (!known.includes(feedback)) {
      const near = nearest(feedback, known);
      const remedy =
        near === null
          ? 'add an input with this id and the role feedback'
          : `did you mean "${near}"?`;
      return [{ path, problem: 'no input of role feedback has this id', remedy }];
    }
    if (other === undefined) return [];
    const problem = `"${feedback}" already shows what "${other}" does`;
    return [{ path, problem, remedy: 'wire one feedback contact for each output' }];
  });
  const idle = gpio.inputs.flatMap(({ id, role }, i): Finding[] => {
    if (role !== 'feedback' || used.has(id)) return [];
    const path = ['gpio', 'inputs', i, 'id'];
    const remedy = 'name it as the feedback of an output, or remove it';
    return [{ path, problem: 'no output has this feedback', remedy }];
  });
  return [...findings, ...idle];
}
