import { Deployment, MemoryStorage, Registry } from 'modelkeep';

const storage = new MemoryStorage();
const registry = new Registry({ storage });
await registry.createModel('delay');
await registry.registerVersion('delay', { files: { 'model.json': '{}' } });
await registry.promote('delay@1', 'production', { by: 'ada', reason: 'first' });
export const sizes: number[] = [];
const load = () => ({ predictBatch: (inputs: readonly number[]) => (sizes.push(inputs.length), inputs.map((miles) => miles / 8)) });

// #region batching
const deployment = new Deployment({ storage, registry, model: 'delay', load, batching: { maxSize: 32, maxDelay: '5ms' } });
// #endregion batching

export const outputs = (await Promise.all([80, 160, 240].map((miles) => deployment.predict(miles)))).map(({ output }) => output);
await deployment.close();
