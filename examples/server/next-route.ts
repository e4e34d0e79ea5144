// #region route
import { FilesystemStorage } from 'modelkeep/filesystem';
import { createStorageHandler } from 'modelkeep/server';
import { authorizeBy } from './authorize.ts';
import { findUser } from './users.ts';

const handler = createStorageHandler(new FilesystemStorage('models'), { authorize: authorizeBy(findUser), basePath: '/api' });
export { handler as DELETE, handler as GET, handler as HEAD, handler as OPTIONS, handler as POST, handler as PUT };
// #endregion route
