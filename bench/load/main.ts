/** `npx esbuild bench/load/main.ts --bundle --platform=node --format=esm --outfile=FILE`, then run. */
import { measureOffer } from './offer.ts';

console.table(await measureOffer(20, 5));
