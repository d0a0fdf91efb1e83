/** Everything that can go wrong with an array on I2C, as something that a test can begin and end. */
import type { ArrayRig } from './mlx90640-rig.ts';

/** Three subpages at 4 Hz, the margin, and a look at the status. */
const SILENT_MS = 3 * 250 + 100 + 50;
/** The longest back-off, power off and on, the first subpage left out and two more. */
export const RECOVERED_WITHIN_MS = 10_000 + 1500 + 2000;

export interface ArrayTrouble {
  readonly name: string;
  readonly reason: string;
  /** Part of the fault's text; null where the reason in the bank is all. */
  readonly fault: RegExp | null;
  readonly withinMs: number;
  begin(rig: ArrayRig): () => void;
}

function registerFault(set: (rig: ArrayRig, on: boolean) => void): (rig: ArrayRig) => () => void {
  return (rig) => {
    set(rig, true);
    return () => set(rig, false);
  };
}

export const ARRAY_TROUBLES: readonly ArrayTrouble[] = [
  {
    name: 'no acknowledge',
    reason: 'hardware',
    fault: /not acknowledged.*embereye doctor tells which addresses answer/,
    withinMs: 100,
    begin: registerFault((rig, on) => (rig.device.faults.nack = on)),
  },
  {
    name: 'EIO',
    reason: 'hardware',
    fault: /address 0x33: other \(simulated\)/,
    withinMs: 100,
    begin: registerFault((rig, on) => (rig.world.i2c.transferFault = on ? 'other' : null)),
  },
  {
    name: 'a stuck bus',
    reason: 'hardware',
    fault: /timeout \(simulated\); a GPIO line can switch/,
    withinMs: 100,
    begin: registerFault((rig, on) => (rig.world.i2c.transferFault = on ? 'timeout' : null)),
  },
  {
    name: 'short reads',
    reason: 'hardware',
    fault: /1 of 2 bytes/,
    withinMs: 100,
    begin: registerFault((rig, on) => (rig.device.faults.shortReads = on)),
  },
  {
    name: 'byte-swapped words',
    reason: 'hardware',
    fault: /control register|status of|no new data|changed on the way/,
    withinMs: SILENT_MS,
    begin: registerFault((rig, on) => (rig.device.faults.swappedBytes = on)),
  },
  {
    name: 'garbage',
    reason: 'hardware',
    fault: /status of|control register|EEPROM|no new data/,
    withinMs: 5 * SILENT_MS,
    begin: registerFault((rig, on) => (rig.device.faults.garbage = on ? 1 : 0)),
  },
  {
    name: 'torn dumps that nothing announces',
    reason: 'corrupt',
    fault: /5 dumps in a row were changed on the way/,
    withinMs: 600,
    begin: registerFault((rig, on) => (rig.device.faults.torn = on)),
  },
  {
    name: 'a frozen memory',
    reason: 'frozen',
    fault: /no picture could be believed for 15 s \(subpage . has repeated itself/,
    withinMs: 4 * 500,
    begin: registerFault((rig, on) => (rig.device.faults.frozen = on)),
  },
  {
    name: 'new data that never comes',
    reason: 'hardware',
    fault: /no new data for 3 subpages at 4 Hz, though the array answers/,
    withinMs: SILENT_MS,
    begin: registerFault((rig, on) => (rig.device.faults.neverReady = on)),
  },
  {
    name: 'one subpage only',
    reason: 'hardware',
    fault: /its subpages do not alternate/,
    withinMs: 17_000,
    begin: registerFault((rig, on) => (rig.device.faults.sameSubpage = on)),
  },
  {
    name: 'a supply that dips',
    reason: 'hardware',
    fault: /the array has lost its settings.*0x1981 and is 0x1901.*measure 3.3 V/,
    withinMs: 600,
    begin: (rig) => {
      rig.device.brownOut();
      return () => undefined;
    },
  },
  {
    name: 'a supply that fails',
    reason: 'hardware',
    fault: /not acknowledged/,
    withinMs: 100,
    begin: registerFault((rig, on) => rig.device.power(!on)),
  },
  {
    name: 'a bus that is gone',
    reason: 'hardware',
    fault: /\/dev\/i2c-1 is gone/,
    withinMs: 100,
    begin: registerFault((rig, on) => {
      if (on) rig.world.i2c.unplug('/dev/i2c-1');
      else rig.world.i2c.plug('/dev/i2c-1');
    }),
  },
  {
    name: 'an implausible supply word',
    reason: 'implausibleVdd',
    fault: null,
    withinMs: 600,
    begin: (rig) => {
      const read = rig.device.transfer.bind(rig.device);
      rig.device.transfer = (write, bytes) => {
        const result = read(write, bytes);
        const start = ((write[0] ?? 0) << 8) | (write[1] ?? 0);
        const at = 2 * (0x0400 + 810 - start);
        if (result !== null && bytes > 100 && at >= 0 && at < bytes) result.set([0x90, 0], at);
        return result;
      };
      return () => (rig.device.transfer = read);
    },
  },
];
