/**
 * An appliance reduced to its store: decides, writes the ring, tells its output, journals, until
 * it is killed. Arguments: state folder, ring path, writer path. Lines on standard output:
 * `decided ID` when the output would have been driven, `durable LANE SEQ` for each receipt.
 */
import { writeSync } from 'node:fs';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import { deviceId, zoneId } from '../../src/domain/units.ts';
import { AlarmRing } from '../../src/store/alarm-ring.ts';
import { openStore } from '../../src/store/journal-client.ts';
import { eventsToRecover } from '../../src/store/numbering.ts';
import { raised } from '../../src/store/ring-frames.ts';
import { EventStamper, newBootId } from '../../src/store/stamp.ts';
import { threadWriter } from '../../src/store/writer-link.ts';

const [directory = '', ringPath = '', writerPath = ''] = process.argv.slice(2);
const clock = systemClock();
const random = systemRandom();
const tell = (line: string): void => void writeSync(1, `${line}\n`);
const shared = { log: () => undefined, onTrouble: () => undefined };

const ring = new AlarmRing({ path: ringPath, fallbackPath: null, ...shared });
const store = await openStore({
  directory,
  startWriter: threadWriter(writerPath),
  clock,
  floor: ring.recovered.heads,
  ...shared,
});
const { journal, recovered } = store;
journal.onCommit((receipt) => {
  ring.committed(receipt);
  for (const [lane, seq] of Object.entries(receipt.committed)) tell(`durable ${lane} ${seq}`);
});
journal.append(eventsToRecover(ring.recovered.events, recovered.stored));
ring.committed({ committed: recovered.stored, events: 0, commitMs: 0 });
const stamper = new EventStamper({
  deviceId: deviceId('unit-1'),
  bootId: newBootId(random),
  clock,
  random,
  clockQuality: () => 'synchronised',
  ...raised(recovered, ring.recovered.events),
});

function step(): void {
  const zone = zoneId('hall');
  const decided: DomainEvent[] = [
    { lane: 'alarm', type: 'alarmReset', data: { zone, zoneName: 'Halle', latchedForMs: 1 } },
    { lane: 'system', type: 'stopped', data: { reason: 'x'.repeat(random.uint32() % 900) } },
  ];
  const stamped = stamper.stamp(decided);
  ring.append(stamped);
  for (const { id } of stamped) tell(`decided ${id}`);
  journal.append(stamped);
  clock.after(random.next() < 0.7 ? 0 : 2, step);
}
step();
