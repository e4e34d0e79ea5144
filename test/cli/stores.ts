import { join } from 'node:path';
import { Registry, Tracker, gates } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';

/** A store with two runs of one experiment that differ in a param and a metric. */
export async function storeWithRuns(parent: string): Promise<{ readonly store: string; readonly ids: readonly [string, string] }> {
  const store = join(parent, 'store');
  await using storage = new FilesystemStorage(store);
  const tracker = new Tracker({ storage });
  const ids: string[] = [];
  for (const [lr, loss] of [[0.1, 0.5], [0.01, 0.25]] as const) {
    const run = await tracker.startRun({ experiment: 'flights', name: `lr ${lr}`, params: { lr, layers: [64, 32] } });
    run.logMetrics({ loss }, { step: 1 });
    await run.logArtifact('notes.txt', 'hello');
    await run.end('finished');
    ids.push(run.id);
  }
  return { store, ids: [ids[0]!, ids[1]!] };
}

/** A store with the model `delay`, whose production is gated by auc; version 1 passes, version 2 does not. */
export async function storeWithModel(parent: string): Promise<string> {
  const store = join(parent, 'store');
  await using storage = new FilesystemStorage(store);
  const registry = new Registry({ storage });
  await registry.createModel('delay', { description: 'Late?', owner: 'ops' });
  await registry.setPolicy('delay', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 })] });
  for (const auc of [0.8, 0.7]) await registry.registerVersion('delay', { files: { 'model.json': `{"auc":${auc}}` }, metrics: { auc }, createdBy: 'ci', tags: { task: 'tabular-classification' } });
  await registry.promote('delay@1', 'production', { by: 'lead', reason: 'first' });
  return store;
}
