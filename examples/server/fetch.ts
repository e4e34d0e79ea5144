// #region serve
import { FilesystemStorage } from 'modelkeep/filesystem';
import { createStorageHandler } from 'modelkeep/server';
import { authorizeBy } from './authorize.ts';
import { findUser } from './users.ts';

export default {
  fetch: createStorageHandler(new FilesystemStorage('models'), { authorize: authorizeBy(findUser) }),
  port: 8080, // of Bun, and so is the next; Deno: deno serve -A --port 8080 server.ts
  maxRequestBodySize: 2 ** 40,
};
// #endregion serve
