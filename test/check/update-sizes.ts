import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { budgetFile, budgetedBundles, bundle, readBudget } from './sizes.ts';

/** Room for what another zlib or a renamed variable may add. */
const slack = 1.01;

const { values } = parseArgs({ options: { raise: { type: 'boolean', default: false } } });
const pinned = existsSync(budgetFile) ? readBudget() : {};
const bytes: Record<string, number> = {};

for (const each of budgetedBundles()) {
  const wanted = Math.ceil(((await bundle(each)).gzipped * slack) / 10) * 10;
  const before = pinned[each.name];
  const refused = before !== undefined && wanted > before && !values.raise;
  bytes[each.name] = refused ? before : wanted;
  if (wanted !== before) console.log(`${each.name}: ${before ?? 'new'} → ${wanted}${refused ? ' refused; pass -- --raise' : ''}`);
  if (refused) process.exitCode = 1;
}

const comment =
  'The most that each bundle may weigh, in gzipped bytes with 1 % of slack. After a change: npm run sizes:update (lowers and adds), or npm run sizes:update -- --raise when the growth is worth it.';
writeFileSync(budgetFile, `${JSON.stringify({ comment, bytes }, null, 2)}\n`);
