/** Reads the lines of the subscriber: `topic payload`. */
import type { Account, Received } from './verdict.ts';

interface Payload {
  readonly lane: string;
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly bootId: string;
  readonly ok?: boolean;
  readonly requestId?: string;
  historical?: boolean;
  readonly data?: { readonly requestId?: string };
}

export function readSubscriber(
  lines: readonly string[],
): Pick<Account, 'received' | 'commandsAnswered' | 'commandsTold'> {
  const received: Received[] = [];
  const commandsAnswered = new Set<string>();
  const commandsTold = new Set<string>();
  for (const line of lines) {
    const space = line.indexOf(' ');
    const payload = JSON.parse(line.slice(space + 1)) as Payload;
    const { lane, seq, id, type, bootId, data, ok, requestId } = payload;
    if (line.slice(0, space).endsWith('/response')) {
      if (ok === true && requestId !== undefined) commandsAnswered.add(requestId);
      continue;
    }
    received.push({
      lane,
      seq,
      id,
      type,
      bootId,
      content: contentOf(payload),
    });
    if (data?.requestId !== undefined) commandsTold.add(data.requestId);
  }
  return { received, commandsAnswered, commandsTold };
}

/** Everything but `historical`, which says how late a message is and nothing about the event. */
function contentOf(payload: Payload): string {
  const rest: Partial<Payload> = { ...payload };
  delete rest.historical;
  return JSON.stringify(rest);
}
