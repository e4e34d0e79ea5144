import { readFileSync, writeFileSync } from 'node:fs';
import { markdownFiles, withRegions } from './code-blocks.ts';
import { accuracyPage, accuracyTable, withAccuracy } from '../stats/golden/accuracy-table.ts';
import { measureAccuracy } from '../stats/golden/accuracy.ts';
import { commandLinePage, withCommands } from './command-line-page.ts';
import { root } from './project.ts';

for (const file of markdownFiles()) {
  const before = readFileSync(root + file, 'utf8');
  const regions = withRegions(before);
  const after = file === accuracyPage ? withAccuracy(regions, accuracyTable(measureAccuracy())) : file === commandLinePage ? await withCommands(regions) : regions;
  if (after === before) continue;
  writeFileSync(root + file, after);
  console.log(`${file} rewritten from its sources`);
}
