/** Hardware that is not there, with faults to inject: the whole of `--simulate` on one import. */
export type { LineFault, SimulatedGpioOptions } from './simulated-gpio.ts';
export { SimulatedGpio } from './simulated-gpio.ts';
export { SIMULATED_BUFFER_BYTES, SimulatedBoardEnd, SimulatedSerial } from './simulated-serial.ts';
