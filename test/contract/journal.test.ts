import { MemoryJournal } from '../../src/store/memory-journal.ts';
import { systemClock } from '../../src/clock.ts';
import { inProcessWriter } from '../../src/store/in-process-writer.ts';
import { openTestStore, settlePromises, temporaryFolder } from '../store/support.ts';
import { journalContract, type OpenJournal } from './journal.ts';

async function onDisk(directory: string, inProcess: boolean): Promise<OpenJournal> {
  const writer = { startWriter: inProcessWriter({ clock: systemClock() }).start };
  const store = await openTestStore(directory, inProcess ? writer : {});
  const again = (): Promise<OpenJournal> => onDisk(directory, inProcess);
  return { journal: store.journal, keyed: store.keyed, settled: () => store.durable(), again };
}

journalContract({
  name: 'in memory',
  open() {
    const journal = new MemoryJournal();
    const open: OpenJournal = {
      journal,
      keyed: journal,
      settled: settlePromises,
      again: () => Promise.resolve(open),
    };
    return Promise.resolve(open);
  },
});

journalContract({ name: 'SQLite in its thread', open: () => onDisk(temporaryFolder(), false) });
journalContract({ name: 'SQLite in process', open: () => onDisk(temporaryFolder(), true) });
