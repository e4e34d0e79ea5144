// #region store
import { IndexedDBStorage } from 'modelkeep/indexeddb';

const storage = new IndexedDBStorage('modelkeep');
if (!(await storage.persist())) console.warn('The browser may evict this store when space runs out.');
const { usage, quota } = await storage.estimate();
// #endregion store

export { quota, storage, usage };
