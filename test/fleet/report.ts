/** The run in words. */
import type { FleetResult } from './run.ts';

export function reportOf(result: FleetResult): string {
  const { options, verdict, done, counted, peakMb } = result;
  const count = (word: string): number => done.filter(({ what }) => what.startsWith(word)).length;
  const kills = count('kill -9 n') + count('kill -9 of');
  const stormRate = Math.round(verdict.journalled / Math.max(result.stormS, 0.1));
  const drained = result.drainS === null ? 'never drained' : `drained ${result.drainS} s after it`;
  const lines = [
    `${options.appliances} appliances, ${options.consumers} consumers, stream ${options.stream}`,
    `journalled       ${verdict.journalled} in ${verdict.lanes} lanes, of them ${verdict.alarms} ` +
      'alarms in the table',
    `stored           ${verdict.stored}; missing ${verdict.missing}, invented ${verdict.invented}`,
    `storm            ${result.stormS} s at ${stormRate} events/s; ${drained}`,
    `killed           nodes ${kills} times, consumers ${count('kill -9 central')} times`,
    `cut off          nodes ${count('cut')} times${result.limits ? ` (${result.limits})` : ''}`,
    `connected        all after ${result.connectS} s; ${result.reconnects} reconnects in the storm`,
    `published        ${result.published} messages by the appliances`,
    `consumers        ${counted.messages} messages, ${counted.redelivered} of them delivered again, ` +
      `${counted.duplicates} duplicates, ${counted.conflicts} conflicts, ${counted.poison} poison`,
    `acknowledged     ${result.acknowledged} events seen confirmed by appliances`,
    `best rate        ${result.bestPerSecond} rows/s`,
    `memory           appliances ${peakMb.appliances} MB in all, consumer ${peakMb.consumer} MB, ` +
      `node ${peakMb.node} MB at most`,
    ...verdict.problems.map((problem) => `WRONG            ${problem}`),
    result.ok ? 'every event that was journalled stands once, gapless by seq' : 'FAILED',
  ];
  return `${lines.join('\n')}\n`;
}
