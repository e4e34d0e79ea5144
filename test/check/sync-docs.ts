import { readFileSync, writeFileSync } from 'node:fs';
import { markdownFiles, withRegions } from './code-blocks.ts';
import { root } from './project.ts';

for (const file of markdownFiles()) {
  const before = readFileSync(root + file, 'utf8');
  const after = withRegions(before);
  if (after === before) continue;
  writeFileSync(root + file, after);
  console.log(`${file} rewritten from its sources`);
}
