/** A process that runs a step in a thread, and has nothing else to do. Argument: the module. */
import { pathToFileURL } from 'node:url';
import { MemoryStorage, Pipeline } from 'modelkeep';
import { worker } from 'modelkeep/node';

const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
const count = pipeline.step('count', {}, worker<() => { calls: number }>(pathToFileURL(process.argv[2]!), { export: 'thread' }));
console.log((await pipeline.run()).output(count).calls);
