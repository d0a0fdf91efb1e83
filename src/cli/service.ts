/** Commands about the appliance as a service of its machine: `healthcheck` and `firewall`. */
import { number } from '../commands/arguments.ts';
import { runFirewall } from '../commands/firewall.ts';
import { runHealthcheck } from '../commands/healthcheck.ts';
import { DEFAULT_CONFIG_FILE } from '../commands/run.ts';
import { NFT, runNft } from '../firewall/nft.ts';
import type { CliWorld } from './world.ts';

interface HealthcheckArguments {
  readonly url?: string;
  readonly config?: string;
  readonly runDirectory?: string;
  readonly timeout: number;
}

interface FirewallArguments {
  readonly config?: string;
  readonly apply: boolean;
  readonly keep?: string;
  readonly nft: string;
}

/** Adds `healthcheck` and `firewall`. */
export function addServiceCommands(world: CliWorld): void {
  const { command, exitWith, checked, io, clock, environment, version } = world;
  command('healthcheck', 'ask a running appliance for its health: exit code 0 or 1, one line')
    .option('--config <file>', 'configuration of the appliance, to find it')
    .option('--run-directory <folder>', 'its state.runDirectory (default: /run/embereye)')
    .option('--url <url>', 'ask there instead: http://HOST:PORT/health')
    .option('--timeout <seconds>', 'longest wait for an answer', checked(positive), 5)
    .action(({ url, config, runDirectory, timeout }: HealthcheckArguments) =>
      exitWith(() =>
        runHealthcheck(
          {
            url: url ?? null,
            config: config ?? null,
            runDirectory: runDirectory ?? null,
            timeoutMs: timeout * 1000,
          },
          { io, clock, environment, defaultConfig: DEFAULT_CONFIG_FILE },
        ),
      ),
    );
  command('firewall', 'rules of nftables that let in what the configuration needs, nothing else')
    .argument('[file]', 'configuration (default: /etc/embereye/appliance.yaml)')
    .option('--config <file>', 'the same')
    .option('--apply', 'apply them as a whole instead of printing them; needs root', false)
    .option('--keep <file>', 'keep what was applied there, for a broken configuration')
    .option('--nft <program>', 'program of nftables', NFT)
    .action((file: string | undefined, { config, apply, keep, nft }: FirewallArguments) =>
      exitWith(() =>
        runFirewall(
          { config: file ?? config ?? DEFAULT_CONFIG_FILE, apply, keep: keep ?? null },
          { io, environment, version, nft: (text, mode) => runNft(text, mode, nft) },
        ),
      ),
    );
}

function positive(text: string): number {
  const value = number(text);
  if (!(value > 0)) throw new RangeError('write a number of seconds above 0');
  return value;
}
