import { FilesystemStorage } from '../../../src/filesystem.ts';
import { serveStorage } from './storage-server.ts';

const [root, port] = process.argv.slice(2) as [string, string];
const server = await serveStorage(new FilesystemStorage(root), { authorize: 'public' }, Number(port));
process.send?.(server.port);
