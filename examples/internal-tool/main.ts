import { randomBytes } from 'node:crypto';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { serveTool } from './serve.ts';
import { readSettings, type User } from './settings.ts';
import { serveStore } from './store-server.ts';

const { PORT, STORE_URL, STORE_SECRET = randomBytes(32).toString('base64url'), USERS } = readSettings(process.env);
const users = new Map<string, User>(Object.entries(USERS));
if (users.size === 0) {
  const token = randomBytes(16).toString('base64url');
  users.set(token, { name: 'you', role: 'approver' });
  console.log(`USERS is empty, so there is one user for this time: Authorization: Bearer ${token}`);
}

const storage = STORE_URL === undefined ? new FilesystemStorage('.internal-tool') : undefined;
const store = storage && (await serveStore(storage, STORE_SECRET));
const tool = await serveTool({ url: STORE_URL ?? store!.url, secret: STORE_SECRET }, (token) => users.get(token), PORT).catch(async (error: Error) => {
  console.error(`The tool cannot listen on port ${PORT}: ${error.message}. PORT names another one.`);
  await store?.close();
  await storage?.close();
  process.exit(1);
});
console.log(`The tool is at ${tool.url}, its store at ${STORE_URL ?? store!.url}.`);

async function stop(): Promise<void> {
  await tool.close();
  await store?.close();
  await storage?.close();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
