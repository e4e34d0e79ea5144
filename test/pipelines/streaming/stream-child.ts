/** A process that runs a pipeline that streams. Arguments: store, how many mebibytes, after how many of them it hangs. */
import { FilesystemStorage } from 'modelkeep/filesystem';
import { streams } from './streams.ts';

const [directory = '', mebibytes = '', hang = ''] = process.argv.slice(2);
await using storage = new FilesystemStorage(directory);
let [pieces, peak] = [0, 0];
// Memory that nobody holds any more is given back now and then, so that what is measured is what is held, however busy the machine.
const tidy = (): void => {
  if (++pieces % 16 === 0) globalThis.gc?.();
  // Looked at here, for the peak that the system keeps begins with that of the process which started this one.
  peak = Math.max(peak, process.memoryUsage.rss());
};
const onWritten = (count: number): void | Promise<void> => {
  tidy();
  if (count !== Number(hang)) return;
  process.send!({ hanging: true });
  return new Promise(() => undefined);
};
const { pipeline, read } = streams(storage, Number(mebibytes), onWritten, tidy);
const result = await pipeline.run();
process.send!({ status: result.status, sum: result.output(read), peakKilobytes: peak / 1024 });
process.disconnect();
