/** Handles on Modbus lines: whoever names the same line gets a share in it. */
import type { Clock, Random } from '../../domain/ports.ts';
import type { ModbusAddress, ModbusBackend, ModbusLine } from '../bus-ports.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { SharedHandle } from '../shared-handles.ts';
import { SharedHandles } from '../shared-handles.ts';
import { lineName, sameSettings, settingsOf } from './address.ts';
import { KeptLine } from './kept-line.ts';
import { lineClosed } from './trouble.ts';
import type { OpenWire } from './wire.ts';

export interface ModbusBackendOptions {
  readonly kind: string;
  readonly openWire: OpenWire;
  readonly clock: Clock;
  readonly random: Random;
}

export function modbusBackend(options: ModbusBackendOptions): ModbusBackend {
  const lines = new SharedHandles<KeptLine>((line) => line.close());
  return {
    kind: options.kind,
    open: async (address) => {
      const name = lineName(address);
      const shared = await lines.acquire(name, async () => {
        const line = new KeptLine({ ...options, address });
        const opened = await line.open();
        return opened.ok ? done(line) : opened;
      });
      if (!shared.ok) return shared;
      const { address: open } = shared.value.value;
      if (sameSettings(open, address)) return done(handleOn(shared.value));
      await shared.value.release();
      return differs(name, open, address);
    },
  };
}

function differs(name: string, open: ModbusAddress, wanted: ModbusAddress): HalResult<never> {
  const both = `open with ${settingsOf(open)} and wanted with ${settingsOf(wanted)}`;
  return failed('busy', `${name} is ${both}: give all sensors of one line the same settings`);
}

function handleOn(shared: SharedHandle<KeptLine>): ModbusLine {
  const line = shared.value;
  let closed = false;
  return {
    name: line.name,
    read: async (request) => {
      if (closed) return lineClosed(line.name);
      const result = await line.read(request, () => !closed);
      // Read again: the handle may have been closed while the request was under way.
      return isClosed() ? lineClosed(line.name) : result;
    },
    close: async () => {
      closed = true;
      await shared.release();
    },
  };
  function isClosed(): boolean {
    return closed;
  }
}
