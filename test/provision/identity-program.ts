/** `embereye identity` alone, for tests that start it dozens of times: a tenth of the bundle. */
import { Command } from 'commander';
import { addIdentityCommands } from '../../src/cli/identity.ts';
import { systemClock } from '../../src/clock.ts';

const program = new Command('embereye');
addIdentityCommands({
  io: {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
  },
  clock: systemClock(),
  command: (name, summary) => program.command(name).description(summary),
  checked: (parser) => parser,
  exitWith: async (run) => {
    process.exitCode = await run();
  },
});
await program.parseAsync();
