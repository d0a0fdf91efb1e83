/** Bundles `dist/embereye.js` and `dist/store-writer.js`; rejects with esbuild's report. */
export function build(): Promise<void>;
/** Bundles one entry outside src into dist and returns the file. */
export function buildEntry(entry: string): Promise<string>;
