/** What ssh says when it fails, in words with a remedy; pure. */

/** The exit code of ssh itself; commands have the others. */
export const SSH_FAILED = 255;

const REMEDIES: readonly (readonly [pattern: RegExp, words: (host: string) => string])[] = [
  [
    /IDENTIFICATION HAS CHANGED|Host key verification failed/i,
    (host) =>
      `the host key of ${host} is not the one that is known: either the card was written anew, ` +
      `or somebody sits between. Look at the unit; if it is the right one: ssh-keygen -R ${host}`,
  ],
  [
    /Permission denied/i,
    (host) =>
      `${host} lets nobody in with this user and key: check user@host, name the key with ` +
      '--ssh-key, and put its public half into authorized_keys of the unit',
  ],
  [
    /Could not resolve|Name or service not known/i,
    (host) => `${host} is no name that this machine can resolve: try its address`,
  ],
  [
    /Connection refused/i,
    (host) =>
      `${host} answers, and runs no SSH server: sudo systemctl enable --now ssh on the unit`,
  ],
  [
    /timed out|No route|unreachable/i,
    (host) => `${host} does not answer: is it on, and on this network?`,
  ],
];

/** @param host as the user wrote it. @param said standard error of ssh. */
export function sshTrouble(host: string, said: string): string {
  const known = REMEDIES.find(([pattern]) => pattern.test(said));
  if (known !== undefined) return known[1](host);
  const last = said.trim().split('\n').at(-1) ?? '';
  const why = last === '' ? '' : ` (${last})`;
  return (
    `the connection to ${host} broke${why}: run the same command again, ` +
    'it goes on where it stopped'
  );
}

/** One argument of a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
