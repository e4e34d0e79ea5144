import { writeFile } from 'node:fs/promises';
import { MemoryStorage, Pipeline } from 'modelkeep';
import * as z from 'zod';

await writeFile('train.mjs', "process.stdin.on('data', (text) => { console.error('reading ' + process.argv[3]); console.log(JSON.stringify({ auc: JSON.parse(text).length / 4 })); });");
const retrain = new Pipeline({ name: 'retrain', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });
const rows = retrain.step('rows', {}, () => [1, 2, 6]);

// #region shell
import { shell } from 'modelkeep/node';

const trained = retrain.step('fit', { needs: { rows }, timeout: '2h' }, shell(({ params }) => ['node', 'train.mjs', '--month', params.month], {
  stdin: ({ inputs }) => JSON.stringify(inputs.rows),
  json: z.object({ auc: z.number() }), // what it writes to stdout, and so what the step puts out
  onLine: (line, stream) => stream === 'stderr' && console.error(line),
}));
// #endregion shell

export const auc = (await retrain.run({ params: { month: '2024-05' } })).output(trained);
