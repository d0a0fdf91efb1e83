import { build } from '../scripts/build.mjs';

/** The writer thread and the command line run from the bundle, so it is built once before tests. */
export default async function setup(): Promise<void> {
  await build();
}
