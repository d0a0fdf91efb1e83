/** Another folder than dist: somebody is using that. */
interface Where {
  readonly outdir?: string;
}
/** Bundles `dist/embereye.js` and what runs beside it; rejects with esbuild's report. */
export function build(where?: Where): Promise<void>;
/** Bundles one entry outside src into dist and returns the file. */
export function buildEntry(entry: string, where?: Where): Promise<string>;

/** Of esbuild's metafile, what a release asks it. Paths are relative to the project. */
export interface Metafile {
  readonly inputs: Readonly<Record<string, { readonly bytes: number }>>;
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly bytes: number;
        readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>;
        readonly imports: readonly {
          readonly path: string;
          readonly kind: string;
          readonly external?: boolean;
        }[];
      }
    >
  >;
}

/** Bundles for a release; `external` packages stay outside. Rejects with esbuild's report. */
export function buildRelease(options: {
  readonly outdir: string;
  readonly version: string;
  readonly external: readonly string[];
  /** Names and sources of other programs than the release's own. */
  readonly entries?: Readonly<Record<string, string>>;
}): Promise<Metafile>;
/** Which files are read at run time when `code` is; `external` is not followed. */
export function traceFiles(options: {
  readonly code: string;
  readonly external: readonly string[];
}): Promise<Metafile>;
