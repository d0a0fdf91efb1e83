/** Everything through which the appliance touches the world of wires, in one bundle. */
import type { I2cBackend, KernelFiles, ModbusBackend, SpiBackend } from './bus-ports.ts';
import type { GpioBackend, SerialBackend } from './ports.ts';

/** Real, simulated or a mixture: the composition root chooses once. */
export interface Hardware {
  readonly gpio: GpioBackend;
  readonly serial: SerialBackend;
  readonly i2c: I2cBackend;
  readonly spi: SpiBackend;
  readonly modbus: ModbusBackend;
  readonly files: KernelFiles;
}
