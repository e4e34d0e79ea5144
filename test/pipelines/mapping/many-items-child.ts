/** A process that works on a run of many items until it has ended or is killed. Arguments: store, journal, id of the run to go on with, or `new`. */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { manyItems } from './many-items.ts';

const [directory = '', journal = '', id = 'new'] = process.argv.slice(2);
await using storage = new FilesystemStorage(directory);
const { pipeline } = manyItems(storage, (key) => appendFileSync(journal, `${key}\n`));
const onEvent = ({ type, run }: { readonly type: string; readonly run: string }): void => void (type === 'step-listed' && process.send!({ run }));
await (id === 'new' ? pipeline.run({ onEvent }) : pipeline.resume(id, { takeOver: true, onEvent }));
process.disconnect();
