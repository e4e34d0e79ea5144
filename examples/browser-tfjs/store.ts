import { Registry, Tracker } from 'modelkeep';
import { browserEnvironment } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';

export const experiment = 'penguins';
export const modelName = 'penguins';

// #region store
/** All that the page remembers: it is there after a reload, in other tabs, and without a network. */
export const storage = new IndexedDBStorage('browser-tfjs');
export const tracker = new Tracker({ storage, environment: browserEnvironment(), flushInterval: '100ms' });
export const registry = new Registry({ storage });
// #endregion store
