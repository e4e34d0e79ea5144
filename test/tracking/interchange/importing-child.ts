import { FilesystemStorage } from '../../../src/filesystem.ts';
import { Tracker } from '../../../src/index.ts';
import { csvRuns } from '../../../src/interchange.ts';
import { nodeFile } from '../../../src/node.ts';

// One process of the test beside it: imports a file into a directory, and says how far it has come.
const [root = '', file = ''] = process.argv.slice(2);
await using storage = new FilesystemStorage(root);
const source = csvRuns(nodeFile(file), { experiment: 'e', run: 'r', startedAt: 1 });
const { damaged } = await new Tracker({ storage }).importRuns(source, { onProgress: ({ done }) => process.stdout.write(`${done}\n`) });
process.stdout.write(`${JSON.stringify(damaged)}\n`);
