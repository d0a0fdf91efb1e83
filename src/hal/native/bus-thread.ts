/** Entry of the thread that owns one wired bus: transfers in, answers out, one at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../domain/assert.ts';
import type { HalError } from '../ports.ts';
import { openBusDevice } from './bus-device.ts';
import type { BusThreadData, FromBusThread, ToBusThread, Trouble } from './bus-messages.ts';
import { loadLibc } from './libc.ts';

const port = parentPort;
assert(port !== null, 'a bus runs as a worker thread');

const { device, ioctlLibrary } = workerData as BusThreadData;
const tell = (message: FromBusThread, handOver: ArrayBuffer[] = []): void => {
  port.postMessage(message, handOver);
};
const troubleOf = ({ kind, message }: HalError): Trouble => ({ kind, message });

const libc = await loadLibc(undefined, ioctlLibrary ?? undefined);
const opened = libc.ok ? openBusDevice(libc.value, device) : libc;
if (opened.ok) {
  const bus = opened.value;
  port.on('message', (message: ToBusThread) => {
    if (message.kind === 'close') {
      bus.close();
      // Nothing is left to listen to, and the thread ends.
      port.close();
      return;
    }
    const { id, request } = message;
    const result = bus.transfer(request);
    if (!result.ok) {
      tell({ kind: 'failed', id, trouble: troubleOf(result.error) });
      return;
    }
    const { value: bytes } = result;
    tell({ kind: 'answer', id, bytes }, [bytes.buffer as ArrayBuffer]);
  });
  tell({ kind: 'opened' });
} else {
  tell({ kind: 'openFailed', trouble: troubleOf(opened.error) });
}
