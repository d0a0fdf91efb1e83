/** What the run and the processes with appliances in them tell one another. */
import type { LaneDigest } from './appliance.ts';

export interface WorkerSetUp {
  readonly kind: 'setUp';
  readonly ids: readonly string[];
  readonly folder: string;
  readonly writerPath: string;
  readonly hosts: readonly string[];
  readonly port: number;
  readonly seed: number;
}

export type ToWorker =
  | WorkerSetUp
  /** Each appliance raises `events`, `perSecond` of them. */
  | { readonly kind: 'storm'; readonly events: number; readonly perSecond: number }
  | { readonly kind: 'digests' }
  | { readonly kind: 'ids'; readonly device: string; readonly lane: string }
  | { readonly kind: 'stop' };

export interface Progress {
  readonly raised: number;
  readonly backlog: number;
  readonly published: number;
  readonly connected: number;
  readonly reconnects: number;
  readonly acknowledged: number;
  readonly residentBytes: number;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'progress' } & Progress)
  | { readonly kind: 'stormOver' }
  | { readonly kind: 'digests'; readonly lanes: readonly LaneDigest[] }
  | { readonly kind: 'ids'; readonly ids: readonly { seq: number; id: string }[] }
  | { readonly kind: 'stopped' };
