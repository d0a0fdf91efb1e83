import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishSocket } from '../../src/control/socket-file.ts';

describe('under the umask of the service', () => {
  it('the folder of the control sockets can be looked into', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'umask-'));
    const server = createServer();
    const before = process.umask(0o077);
    try {
      const path = join(folder, 'control', 'viewer.sock');
      expect(await publishSocket(server, { path, gid: null, pid: 1 })).not.toHaveProperty(
        'trouble',
      );
      expect(statSync(join(folder, 'control')).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(before);
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
