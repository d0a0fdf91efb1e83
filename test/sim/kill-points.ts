/** Where a process can die besides between two steps. */
export const KILL_POINTS = [
  'beforeRing',
  'afterRing',
  'betweenOutputs',
  'beforeJournal',
  'afterJournal',
  'beforeReceipt',
  'afterReceipt',
] as const;
export type KillPoint = (typeof KILL_POINTS)[number];
