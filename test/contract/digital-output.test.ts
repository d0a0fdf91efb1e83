import { gpioRigs } from '../hal/gpio-rigs.ts';
import { digitalOutputContract } from './digital-output.ts';

digitalOutputContract(gpioRigs);
