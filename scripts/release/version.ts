/** Versions as npm writes them (semver 2.0.0), and as Debian sorts them. */

const NUMBER = '(?:0|[1-9]\\d*)';
/** Semver takes hyphens here too; dpkg would read what follows as a revision of the package. */
const PART = `(?:${NUMBER}|\\d*[a-zA-Z][0-9a-zA-Z]*)`;
const SEMVER = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${PART}(?:\\.${PART})*)?$`);
/** Longer ones do not fit into what shows them. */
const MAX_LENGTH = 64;

/** What is wrong with a version for a release, for people; null when nothing is. */
export function versionProblem(version: string): string | null {
  const refused = (why: string): string => `version "${version}" ${why}`;
  if (version.includes('+')) {
    return refused('has build data after "+", which no order depends on: leave it out');
  }
  if (version.length > MAX_LENGTH) return refused(`is longer than ${MAX_LENGTH} characters`);
  if (SEMVER.test(version)) return null;
  return refused('is none: write three numbers, and perhaps a pre-release, as 1.2.3 or 1.2.3-rc.1');
}

/**
 * The version for dpkg: `~` sorts before everything, so a pre-release comes before its release.
 * @param version one without a `versionProblem`.
 */
export function debianVersion(version: string): string {
  return version.replace('-', '~');
}
