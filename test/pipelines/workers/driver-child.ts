/** A process that has a run until it ends, or until it is killed or stopped. Arguments: store, journal, lease, who makes the attempts (`workers` or `here`), and the run that it goes on with, if there is one. */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { spread } from './spread.ts';

const [directory = '', journal = '', lease = '', executor = '', id = ''] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const words = new Map<string, (word: string) => void>();
const gate = async (unit: string): Promise<string> => {
  const name = unit.split(' ').slice(1).join('-');
  appendFileSync(journal, `${name}\n`);
  const word = new Promise<string>((resolve) => words.set(name, resolve));
  process.send!({ begun: name });
  return word;
};
const { pipeline } = spread(storage, gate, { executor: executor as 'workers' | 'here', lease: Number(lease) });
process.on('message', ({ name, word }: { name: string; word: string }) => words.get(name)?.(word));
const onEvent = (event: { readonly type: string; readonly run: string; readonly step?: string }): void => void (event.type === 'run-started' || event.type === 'step-succeeded' ? process.send!({ run: event.run, event: event.type, step: event.step }) : undefined);
const running = id === '' ? pipeline.run({ onEvent }) : pipeline.resume(id, { onEvent, takeOver: true });
process.send!(await running.then(({ status }) => ({ ended: status }), (error: unknown) => ({ ended: (error as { code?: string }).code ?? String(error), message: (error as Error).message })));
await storage.close();
process.disconnect();
