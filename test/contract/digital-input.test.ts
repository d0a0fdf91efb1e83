import { gpioRigs } from '../hal/gpio-rigs.ts';
import { digitalInputContract } from './digital-input.ts';

digitalInputContract(gpioRigs);
