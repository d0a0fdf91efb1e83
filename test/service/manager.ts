/** A service manager's ear: a unix datagram socket that another program reads. */
import { join } from 'node:path';
import { Child } from '../e2e/processes.ts';

export const PYTHON = '/usr/bin/python3';

const EAR = `
import socket, sys
name = sys.argv[1]
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind("\\0" + name[1:] if name[0] == "@" else name)
print("listening", flush=True)
while True:
    print(ear.recv(4096).decode().replace("\\n", "|"), flush=True)
`;

/** Hears at a path below `folder`, or at a name in the abstract name space. */
export function managerEar(folder: string, isAbstract: boolean) {
  const name = isAbstract ? `@${folder.replaceAll('/', '-')}` : join(folder, 'notify.sock');
  const child = new Child(PYTHON, ['-c', EAR, name]);
  return {
    name,
    heard: (): string[] => child.lines(),
    alive: (): number => child.lines().filter((line) => line === 'WATCHDOG=1').length,
    end: () => child.end('SIGKILL'),
  };
}

/** For NODE_OPTIONS: breaks the program once it gets SIGUSR2. */
function preload(program: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` };
}

/** The event loop never comes round again. */
export const STUCK_LOOP = preload("process.on('SIGUSR2', () => { for (;;); })");

/** Lines cannot be written any more, and the event loop goes on. */
export const BROKEN_LINES = preload(`
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const write = fs.writeSync;
let broken = false;
process.on('SIGUSR2', () => { broken = true; });
fs.writeSync = (fd, bytes, ...rest) => {
  if (broken && bytes.length === 2 && bytes[1] === 10) throw new Error('EIO, on purpose');
  return write(fd, bytes, ...rest);
};
syncBuiltinESMExports();
`);
