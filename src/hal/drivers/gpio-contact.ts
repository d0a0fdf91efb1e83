/**
 * A potential-free contact on a GPIO line, for example the alarm relay of a conventional detector:
 * 1 while it is active, 0 else. Its level is repeated as evidence that it is still being read. The
 * wire itself is not supervised: a cut one looks like an open contact.
 */
import { DeviceKeeper } from '../adc/device-keeper.ts';
import { channelName } from '../channels/options.ts';
import { choice, either, flag, number, text } from '../option-fields.ts';
import type { DigitalInput, HalError, HalResult, LineAddress, LineBias } from '../ports.ts';
import { done } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import type { DriverHost, ProbeHost, SensorHandle } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

interface Options {
  readonly chip: string;
  readonly line: number | string;
  readonly activeLow: boolean;
  readonly bias: LineBias;
  readonly debounceMs: number;
  readonly cadenceSeconds: number;
  readonly channel: string;
}

export const gpioContact = defineSensorDriver({
  kind: 'gpio-contact',
  summary: 'Potential-free contact of a conventional detector on a GPIO line, 0 or 1',
  options: {
    chip: text('Label of the chip, for example pinctrl-rp1; * with a line name'),
    line: either(
      number('Offset of the line on its chip', { min: 0, max: 1023, whole: true }),
      text('Name of the line, for example GPIO17'),
    ),
    channel: channelName(),
    activeLow: flag('The closed contact pulls the line low', true),
    bias: choice("The pad's own resistor", ['asIs', 'pullUp', 'pullDown', 'disabled'], 'pullUp'),
    debounceMs: number('How long a level must hold', { min: 0, max: 5000 }, 50),
    cadenceSeconds: number('How often the level is read and repeated', { min: 0.05, max: 3600 }, 1),
  },
  timing: ({ cadenceSeconds, debounceMs }) => ({
    cadenceMs: cadenceSeconds * 1000,
    delayMs: debounceMs,
  }),
  channels: ({ channel }) => [channel],
  claims: ({ chip, line }) => [`gpio:${chip}:${line}`],
  open: (options, host) => new Contact(options, host),
  probe: (options, host) => Promise.resolve(probeContact(options, host)),
});

interface OpenLine {
  readonly input: DigitalInput;
  close(): Promise<void>;
}

class Contact implements SensorHandle {
  readonly #options: Options;
  readonly #host: DriverHost;
  readonly #keeper: DeviceKeeper<OpenLine>;
  #cancelTick: () => void;
  #closed = false;

  constructor(options: Options, host: DriverHost) {
    this.#options = options;
    this.#host = host;
    this.#keeper = new DeviceKeeper<OpenLine>({
      clock: host.clock,
      random: host.random,
      fault: 'contactUnavailable',
      subject: host.sensor,
      notify: (notice) => host.fault(notice),
      what: nameOf(options),
      open: () => Promise.resolve(openLine(options, host)),
      opened: (line) => this.#listen(line),
      explain: (error) => `${nameOf(options)}: ${error.message}`,
    });
    this.#cancelTick = this.#nextTick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTick();
    await this.#keeper.close();
  }

  #listen(line: OpenLine): void {
    line.input.onChange((active) => {
      if (!this.#closed && this.#keeper.device === line) this.#report(active);
    });
    line.input.onError((error) => {
      if (!this.#closed && this.#keeper.device === line) this.#noData(error.message);
    });
    this.#ask(line);
  }

  #nextTick(): () => void {
    return this.#host.clock.after(this.#options.cadenceSeconds * 1000, () => {
      this.#cancelTick = this.#nextTick();
      const { device, trouble } = this.#keeper;
      if (device === null) this.#noData(trouble?.message ?? 'being opened');
      else this.#ask(device);
    });
  }

  #ask(line: OpenLine): void {
    const level = line.input.read();
    if (level.ok) {
      this.#keeper.good();
      this.#report(level.value);
      return;
    }
    this.#fail(line, level.error);
  }

  #fail(line: OpenLine, error: HalError): void {
    this.#noData(error.message);
    this.#keeper.failed(line, error);
  }

  #report(active: boolean): void {
    const { bank, sensor, clock } = this.#host;
    bank.level(sensor, this.#options.channel).add(active ? 1 : 0, clock.monotonicMs());
    this.#host.requestStep();
  }

  #noData(why: string): void {
    const { bank, sensor, clock } = this.#host;
    const detail = `${nameOf(this.#options)}: ${why}`;
    bank.noData(sensor, this.#options.channel, 'hardware', detail, clock.monotonicMs());
    this.#host.requestStep();
  }
}

function openLine(options: Options, host: DriverHost): HalResult<OpenLine> {
  const opened = host.gpio.openInput(host.sensor, addressOf(options), options.debounceMs);
  if (!opened.ok) return opened;
  const input = opened.value;
  const close = (): Promise<void> => {
    input.close();
    return Promise.resolve();
  };
  return done({ input, close });
}

function addressOf({ chip, line, activeLow, bias }: Options): LineAddress {
  return { chip, line, activeLow, bias };
}

function nameOf({ chip, line }: Options): string {
  return `contact on line ${line} of GPIO chip ${chip}`;
}

/** Looks at the line for a moment; one that the running appliance holds cannot be looked at. */
function probeContact(options: Options, host: ProbeHost): readonly ProbeFinding[] {
  const area = `sensor:${host.sensor}`;
  const subject = nameOf(options);
  const opened = host.gpio.openInput(`doctor-${host.sensor}`, addressOf(options), 0);
  if (!opened.ok) {
    const { kind, message } = opened.error;
    if (kind === 'busy') {
      const found = `${message}; it cannot be looked at while the appliance runs`;
      const remedy = 'stop the appliance first, or compare with gpioinfo who holds the line';
      return [{ area, subject, state: 'skipped', found, remedy }];
    }
    const remedy = 'compare chip and line with gpioinfo; usermod -aG gpio embereye for permission';
    return [{ area, subject, state: 'failed', found: message, remedy }];
  }
  const level = opened.value.read();
  opened.value.close();
  if (!level.ok) {
    const remedy = 'check chip and line with gpioinfo';
    return [{ area, subject, state: 'failed', found: level.error.message, remedy }];
  }
  const found = level.value ? 'active: the contact reports an alarm' : 'inactive';
  return [{ area, subject, state: level.value ? 'note' : 'ok', found, remedy: null }];
}
