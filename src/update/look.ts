/** Asks the running appliance how it is, over its control socket. */
import { join } from 'node:path';
import { readState as readControlState } from '../commands/control-status.ts';
import { askAppliance } from '../control/client.ts';
import { CONTROL_VERSION, STATUS } from '../control/protocol.ts';
import { CONTROL_FOLDER } from '../control-access.ts';
import type { Clock } from '../domain/ports.ts';
import type { Look } from '../remote-config/health.ts';

/** What an appliance says of itself besides the panel, to whoever asks for its status. */
export interface UnitFacts {
  readonly version: string;
  /** Changes with every start. */
  readonly bootId: string;
  /** The verdict of `/health`. */
  readonly healthy: boolean;
  readonly brokers: readonly { readonly id: string; readonly connected: boolean }[];
}

export interface Sight {
  readonly unit: UnitFacts;
  readonly look: Look;
}

export type Looked =
  | { readonly kind: 'seen'; readonly sight: Sight }
  /** Nobody listens: it does not run, or is starting. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly why: string };

/** @param runDirectory `state.runDirectory` of the appliance. Never rejects. */
export async function lookAtUnit(runDirectory: string, clock: Clock): Promise<Looked> {
  const request = { version: CONTROL_VERSION, name: STATUS };
  const asked = await askAppliance(join(runDirectory, CONTROL_FOLDER), 'viewer', request, clock);
  switch (asked.kind) {
    case 'absent':
      return { kind: 'absent' };
    case 'forbidden':
      return { kind: 'failed', why: 'its control socket may not be used by this user' };
    case 'busy':
      return { kind: 'failed', why: 'it hung up its control socket' };
    case 'failed':
      return { kind: 'failed', why: asked.why };
    case 'answered': {
      const sight = asked.answer.ok ? sightOf(asked.answer.state) : null;
      return sight === null
        ? { kind: 'failed', why: `it does not tell how it is: ${asked.answer.detail}` }
        : { kind: 'seen', sight };
    }
  }
}

/** Null where it is not what an appliance says of itself. */
export function sightOf(state: unknown): Sight | null {
  const view = readControlState(state);
  const unit = fieldsOf(fieldsOf(state)?.['unit']);
  if (view === null || unit === null || !Array.isArray(view.sources)) return null;
  const { version, bootId, healthy, brokers } = unit;
  if (typeof version !== 'string' || typeof bootId !== 'string') return null;
  if (typeof healthy !== 'boolean' || !Array.isArray(brokers)) return null;
  const known = brokers.flatMap((raw: unknown) => {
    const { id, connected } = fieldsOf(raw) ?? {};
    return typeof id === 'string' ? [{ id, connected: connected === true }] : [];
  });
  return {
    unit: { version, bootId, healthy, brokers: known },
    look: {
      ...{ view, steps: healthy },
      brokers: known.map(({ id }) => id),
      connected: known.filter(({ connected }) => connected).map(({ id }) => id),
    },
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? { ...value } : null;
}
