import { FilesystemStorage } from '../../../src/filesystem.ts';
import { serveStorage } from './storage-server.ts';

// What is acknowledged survives the death of the process, which is all that happens here.
const [root, port] = process.argv.slice(2) as [string, string];
const server = await serveStorage(new FilesystemStorage(root, { durability: 'buffered' }), { authorize: 'public' }, Number(port));
process.send?.(server.port);
