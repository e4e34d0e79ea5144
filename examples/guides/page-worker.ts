import { MemoryStorage, Pipeline } from 'modelkeep';

const retrain = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
const rows = retrain.step('rows', {}, () => Float64Array.of(1, 2, 6));

// #region worker
import { worker, workerPool } from 'modelkeep/browser';

// train.js: export default function train({ inputs, params, states, run, signal, log }) { … }
const pool = workerPool({ size: 2 });
const trained = retrain.step('fit', { needs: { rows }, timeout: '10m' }, worker<typeof import('./train.js').default>(new URL('./train.js', import.meta.url), { pool }));
// #endregion worker

export const output = (await retrain.run()).output(trained);
await pool.close();
