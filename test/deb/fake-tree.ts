/** A release of a few small files, laid out as a real one. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const FAKE_FILES: Readonly<Record<string, string>> = {
  'bin/node': '#!/bin/sh\n',
  'dist/embereye.js': 'true;\n',
  'config/appliance.yaml': 'device: { id: site-1 }\n',
  'keys/development.pub': 'a key\n',
  'release.json': '{\n  "databaseVersion": 3\n}\n',
  'manifest.json': '{}\n',
  'LICENSES.txt': 'licences\n',
  'sbom.cdx.json': '{}\n',
  'system/bin/embereye': '#!/bin/sh\n',
  'system/bin/embereye-launch': '#!/bin/sh\n',
  'system/systemd/embereye.service': '[Service]\n\n[Install]\nWantedBy=multi-user.target\n',
  'system/systemd/embereye-gpio-holder.service': '[Install]\nWantedBy=multi-user.target\n',
  'system/systemd/embereye-update.service': '[Service]\nType=oneshot\n',
  'system/systemd/embereye.service.d/limits.conf': '[Install]\n',
  'system/udev/70-embereye.rules': '# rules\n',
  'system/image/fstab': '# image only\n',
};

/** Writes it below `folder`, with `more` or instead of what has the same name. */
export function writeFakeTree(folder: string, more: Readonly<Record<string, string>> = {}): void {
  for (const [path, text] of Object.entries({ ...FAKE_FILES, ...more })) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  chmodSync(join(folder, 'bin/node'), 0o755);
  symlinkSync('embereye.js', join(folder, 'dist/linked.js'));
}
