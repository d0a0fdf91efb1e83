/** The line for mosquitto's password file, taken by mosquitto itself. */
import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { mosquittoLine, newBrokerPassword } from '../../scripts/provision/broker-login.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';

describe.skipIf(!hasMosquitto)('a login for mosquitto', () => {
  const broker = new Mosquitto(['allow_anonymous false', 'password_file %d/passwords']);
  afterEach(() => broker.remove());

  it('lets in with the password, and not with another one', async () => {
    const password = newBrokerPassword({ randomBytes });
    broker.write('passwords', `${mosquittoLine('unit-1', password, { randomBytes })}\n`);
    await broker.start();
    const publish = (given: string): number | null => {
      const at = ['-p', String(broker.port), '-t', 'x', '-m', 'y', '-u', 'unit-1'];
      return spawnSync('mosquitto_pub', [...at, '-P', given]).status;
    };
    expect(publish(password)).toBe(0);
    expect(publish(`${password}x`)).not.toBe(0);
  });
});
