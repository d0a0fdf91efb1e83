/** Another folder than dist: somebody is using that. */
interface Where {
  readonly outdir?: string;
}
/** Bundles `dist/embereye.js` and what runs beside it; rejects with esbuild's report. */
export function build(where?: Where): Promise<void>;
/** Bundles one entry outside src into dist and returns the file. */
export function buildEntry(entry: string, where?: Where): Promise<string>;
