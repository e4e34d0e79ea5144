import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ABTest, DriftMonitor, Pipeline, Registry, Tracker, profileData } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';

const temporaryDirectory = temporaryDirectories();

/** A store with something of everything that a report shows. */
async function fullStore(parent: string): Promise<{ readonly store: string; readonly ids: readonly string[]; readonly pipelineRun: string }> {
  const store = join(parent, 'store');
  await using storage = new FilesystemStorage(store);
  const tracker = new Tracker({ storage });
  const ids: string[] = [];
  for (const lr of [0.1, 0.01]) {
    const run = await tracker.startRun({ experiment: 'flights', name: `<b>lr ${lr}</b>`, params: { lr } });
    for (let step = 0; step < 20; step++) run.logMetrics({ loss: 1 / (step + 1 + lr) }, { step });
    await run.end('finished');
    ids.push(run.id);
  }
  const registry = new Registry({ storage });
  await registry.createModel('delay');
  await registry.registerVersion('delay', { files: { 'model.json': '{}' }, run: ids[0], metrics: { auc: 0.8 } });
  await registry.promote('delay@1', 'production', { by: 'lead', reason: 'first' });
  const pipeline = new Pipeline({ name: 'retrain', storage });
  pipeline.step('train', {}, () => 1);
  const { id: pipelineRun } = await pipeline.run();
  const monitor = new DriftMonitor({ storage, name: 'watch', window: { rows: 100 }, reference: profileData({ x: Float64Array.from({ length: 500 }, (_, i) => i % 100) }) });
  for (let i = 0; i < 100; i++) monitor.observe({ features: { x: i + 70 } });
  await monitor.close();
  await using running = new ABTest({ storage, name: 'button', variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }] });
  for (let i = 0; i < 400; i++) {
    running.expose(`u${i}`);
    running.record(`u${i}`, { converted: i % 3 === 0 ? 1 : 0 }, { id: `e${i}` });
  }
  await running.flush();
  return { store, ids, pipelineRun };
}

const headings = (html: string): string[] => [...html.matchAll(/<h2[^>]*>(.*?)<\/h2>/gs)].map(([, heading = '']) => heading.replace(/<[^>]*>/g, '').trim());

test('a report has what is named, and some of everything where nothing is', async () => {
  const directory = temporaryDirectory();
  const { store, ids, pipelineRun } = await fullStore(directory);
  const all = await cli(['report', '-s', store]);
  expect(all).toMatchObject({ code: 0, stderr: '' });
  expect(all.stdout.startsWith('<!doctype html>')).toBe(true);
  expect(headings(all.stdout).join('\n')).toMatch(/runs[^]*drift[^]*button[^]*retrain[^]*delay[^]*maturity/i);
  expect(all.stdout).not.toContain('<b>lr');
  const chosen = await cli(['report', '--run', ids[0]!, '--run', ids[1]!, '--metric', 'loss', '--title', 'Two', '-o', 'two.html', '--json', '-s', store], { directory });
  const page = await readFile(join(directory, 'two.html'), 'utf8');
  expect(chosen.json()).toEqual({ file: 'two.html', bytes: Buffer.byteLength(page) });
  expect(page).toContain('<title>Two</title>');
  expect(headings(page)).toHaveLength(2);
  expect(headings((await cli(['report', '--pipeline-run', pipelineRun, '-s', store])).stdout)).toHaveLength(1);
  const maturity = (await cli(['report', '--maturity', '-s', store])).stdout;
  expect([headings(maturity), maturity.includes('Level 0 of 3')]).toEqual([['Maturity'], true]);
  expect((await cli(['maturity', '--dry-run', '--json', '-s', store])).json()).toMatchObject({ trend: [] });
  expect((await cli(['report', '--model', 'other', '-s', store])).code).toBe(1);
  expect((await cli(['report', '-s', store], { columns: 80 })).code).toBe(2);
});

test('an empty store gives a report that says so', async () => {
  const store = join(temporaryDirectory(), 'store');
  {
    await using storage = new FilesystemStorage(store);
    await storage.write([{ kind: 'put', key: 'notes/x', bytes: new Uint8Array(1) }]);
  }
  const { code, stdout } = await cli(['report', '-s', store]);
  expect(code).toBe(0);
  expect(headings(stdout)).toHaveLength(1);
});
