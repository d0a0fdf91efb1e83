/** A whole world of wires without a wire: for the demo and for trials. */
import type { Clock } from '../domain/ports.ts';
import type { Hardware } from './hardware.ts';
import { SimulatedFiles } from './simulated-files.ts';
import { SimulatedGpio } from './simulated-gpio.ts';
import { SimulatedI2c } from './simulated-i2c.ts';
import { SimulatedModbus } from './simulated-modbus.ts';
import { SimulatedSerial } from './simulated-serial.ts';
import { SimulatedSpi } from './simulated-spi.ts';

/** Every port with nothing behind it yet. */
export function simulatedHardware(clock: Clock): Hardware {
  return {
    gpio: new SimulatedGpio({ clock }),
    serial: new SimulatedSerial(clock),
    i2c: new SimulatedI2c({ clock }),
    spi: new SimulatedSpi(clock),
    modbus: new SimulatedModbus(clock),
    files: new SimulatedFiles(),
  };
}
