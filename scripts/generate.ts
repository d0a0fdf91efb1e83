/** Writes what is generated from the code: the configuration's JSON Schema and the reference docs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from './generated-files.ts';

const root = process.cwd();
for (const [path, text] of generatedFiles()) {
  writeFileSync(join(root, path), text);
  console.log(`generated ${path}`);
}
