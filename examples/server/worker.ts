import type { StorageAdapter } from 'modelkeep';
import { createStorageHandler } from 'modelkeep/server';
import { authorizeBy, type FindUser } from './authorize.ts';

/** What the platform gives a Worker with each request. */
export interface Env {
  readonly storage: StorageAdapter;
  readonly findUser: FindUser;
}

const storageOf = (env: Env): StorageAdapter => env.storage;

// #region worker
export default {
  fetch: (request: Request, env: Env) => createStorageHandler(storageOf(env), { authorize: authorizeBy(env.findUser) })(request),
};
// #endregion worker
