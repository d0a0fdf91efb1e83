/** Another program that holds a line: `hold.js LINE NAME`, until it is killed. */
import { hold } from './board.ts';

const [line = '', consumer = ''] = process.argv.slice(2);
hold(Number(line), consumer);
process.stdout.write('held\n');
setInterval(() => undefined, 60_000);
