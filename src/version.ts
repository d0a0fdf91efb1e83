/** The version in package.json; the bundler writes it in. */
declare const EMBEREYE_VERSION: string | undefined;

export const VERSION = typeof EMBEREYE_VERSION === 'string' ? EMBEREYE_VERSION : '0.0.0-source';
