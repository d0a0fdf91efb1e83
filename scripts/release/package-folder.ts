/** Which package a file belongs to, by its path alone. */

const WITHIN = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/;

/**
 * The folder of the package under node_modules, nested ones as "a/node_modules/b"; null for a file
 * of no package.
 * @param path relative to the project, with forward slashes.
 */
export function packageFolder(path: string): string | null {
  const found = WITHIN.exec(path);
  if (found === null) return null;
  return found[0].slice('node_modules/'.length);
}

/** The name of the package in such a folder: "a/node_modules/@b/c" is "@b/c". */
export function packageName(folder: string): string {
  const cut = folder.lastIndexOf('node_modules/');
  return cut < 0 ? folder : folder.slice(cut + 'node_modules/'.length);
}
