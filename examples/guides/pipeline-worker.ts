import { MemoryStorage, Pipeline } from 'modelkeep';

const retrain = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
const rows = retrain.step('rows', {}, () => Float64Array.of(1, 2, 6));

// #region worker
import { worker, workerPool } from 'modelkeep/node';

// train.js: export default function train({ inputs, params, states, run, signal, log }) { … } and export function score({ inputs }) { … }
const trained = retrain.step('fit', { needs: { rows }, timeout: '2h' }, worker<typeof import('./train.js').default>(new URL('./train.js', import.meta.url)));

const pool = workerPool({ size: 2, resourceLimits: { maxOldGenerationSizeMb: 2048 } }); // for all steps that name it
const scored = retrain.step('score', { needs: { trained } }, worker<typeof import('./train.js').score>(new URL('./train.js', import.meta.url), { export: 'score', pool }));
// #endregion worker

const grid = retrain.step('grid', {}, () => [{ depth: 2 }, { depth: 8 }]);
// #region map
// train.js: export function fitItem({ item, inputs }) { … }, whose one argument is of the type ItemFacts<{ rows: Float64Array }, unknown, { depth: number }>
const models = retrain.map('train', { needs: { rows, grid }, over: ({ inputs }) => inputs.grid }, worker<typeof import('./train.js').fitItem>(new URL('./train.js', import.meta.url), { export: 'fitItem' }));
// #endregion map

const result = await retrain.run();
await pool.close();
export const outputs = { trained: result.output(trained), scored: result.output(scored), models: result.output(models) };
