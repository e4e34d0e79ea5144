import { writeFile } from 'node:fs/promises';

// y = x + [10, 20], a model of one node.
await writeFile('shift.onnx', Buffer.from('CAg6XAoOCgF4CgF3EgF5IgNBZGQSA2FkZCoRCAIQAUIBd0oIAAAgQQAAoEFaGAoBeBITChEIARINCgcSBWJhdGNoCgIIAmIYCgF5EhMKEQgBEg0KBxIFYmF0Y2gKAggCQgIQDQ==', 'base64'));

// #region onnx
import * as ort from 'onnxruntime-web'; // or onnxruntime-node
import { readFile } from 'node:fs/promises';
import { Registry } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { loadOnnx, saveOnnx } from 'modelkeep/onnx';

const registry = new Registry({ storage: new FilesystemStorage('models') });
await registry.createModel('shift');
const version = await saveOnnx(registry, 'shift', await readFile('shift.onnx'), { ort, metrics: { auc: 0.83 }, licence: 'Apache-2.0' });
console.log(version.signature?.input);

const { session } = await loadOnnx(registry, 'shift@latest', { ort, sessionOptions: { executionProviders: ['wasm'] } });
const { y } = await session.run({ x: new ort.Tensor('float32', [1, 2], [1, 2]) });
console.log(y?.data); // Float32Array(2) [ 11, 22 ]
await session.release();
// #endregion onnx
