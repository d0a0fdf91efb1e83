/** Listens to a sensor board on a serial line for a moment: for `embereye doctor`. */
import type { FindingState, ProbeFinding } from './probe.ts';
import type { ProbeHost } from './sensor-driver.ts';

/** A board that streams already is heard without being asked. */
const UNASKED_MS = 2000;
const ASKED_LONGEST_MS = 6000;
const ASKED_CYCLES = 1.2;
/** Many packets of readings; a word of a board is among them. */
const KEPT_BYTES = 4096;
const SAMPLE_CHARACTERS = 40;

/** Words at the beginning of every packet. */
const BOARD_WORDS = /#(Sensor|frame|EEPROM|serialno|locid)/;

export interface ProbedBoard {
  readonly path: string;
  readonly baudRate: number;
  /** Between two readings. */
  readonly cycleMs: number;
  /** What makes it speak, without its terminator: `PERIOD_ON`. */
  readonly ask: string;
  readonly terminator: string;
}

/**
 * Never rejects; ends within eight seconds. A board that says nothing is asked to, as by the
 * appliance itself.
 */
export async function probeBoard(
  { path, baudRate, cycleMs, ask, terminator }: ProbedBoard,
  { sensor, serial, clock }: ProbeHost,
): Promise<readonly ProbeFinding[]> {
  const area = `sensor:${sensor}`;
  const subject = `board on ${path}`;
  const finding = (state: FindingState, found: string, remedy: string | null): ProbeFinding[] => [
    { area, subject, state, found, remedy },
  ];
  const opened = await serial.open({ path, baudRate });
  if (!opened.ok) {
    const { kind, message } = opened.error;
    const remedy = REMEDIES[kind] ?? 'ls -l /dev/serial/by-id lists the ports that are there';
    return finding('failed', message, remedy);
  }
  const line = opened.value;
  let heard = Buffer.alloc(0);
  let bytes = 0;
  const losses: string[] = [];
  line.onData((piece) => {
    bytes += piece.length;
    heard = Buffer.concat([heard, piece]).subarray(-KEPT_BYTES);
  });
  line.onLost(({ message }) => losses.push(message));
  const listen = (ms: number): Promise<void> => new Promise((end) => void clock.after(ms, end));
  await listen(UNASKED_MS);
  if (bytes === 0) {
    line.write(Buffer.from(`${ask}${terminator}`));
    await listen(Math.min(ASKED_LONGEST_MS, ASKED_CYCLES * cycleMs + 1000));
  }
  await line.close();
  const [lost] = losses;
  if (lost !== undefined) return finding('failed', lost, 'look at its plug and cable');
  const text = heard.toString('latin1');
  if (bytes === 0) return finding('failed', `nothing came, also after ${ask}`, silent(baudRate));
  const sample = text.replace(/[^ -~]+/g, ' ').slice(0, SAMPLE_CHARACTERS);
  const found = `${bytes} bytes at ${baudRate} baud: "${sample}"`;
  if (BOARD_WORDS.test(text)) return finding('ok', found, null);
  const remedy = `set baudRate to the board's; connect ground; is it the right port?`;
  return finding('failed', `${found}, no word of a board`, remedy);
}

const REMEDIES: Readonly<Record<string, string>> = {
  permission: 'usermod -aG dialout embereye, then restart the service',
  busy: 'end the program that has it open; serial above names it',
};

function silent(baudRate: number): string {
  return (
    `check its power, ground, RX and TX (crossed), whether it talks at ${baudRate} baud, and the ` +
    'options mode, periodCommand and terminator'
  );
}
