/** A process that runs a pipeline that streams. Arguments: store, how many mebibytes, after how many of them it hangs. */
import { FilesystemStorage } from 'modelkeep/filesystem';
import { streams } from './streams.ts';

const [directory = '', mebibytes = '', hang = ''] = process.argv.slice(2);
await using storage = new FilesystemStorage(directory);
const { pipeline, read } = streams(storage, Number(mebibytes), (count) => {
  if (count !== Number(hang)) return;
  process.send!({ hanging: true });
  return new Promise(() => undefined);
});
const result = await pipeline.run();
process.send!({ status: result.status, sum: result.output(read), peakKilobytes: process.resourceUsage().maxRSS });
process.disconnect();
