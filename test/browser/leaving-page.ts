import { Tracker } from 'modelkeep';
import { browserEnvironment } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';

// So long that nothing is flushed but by the page's own events.
const tracker = new Tracker({ storage: new IndexedDBStorage('leaving'), environment: browserEnvironment(), systemMetrics: false, flushInterval: '1h' });

/** Starts a run and logs; with `flushing`, half of it is on its way already. */
export async function logAndStay({ points, flushing = false }: { points: number; flushing?: boolean }): Promise<string> {
  const run = await tracker.startRun({ experiment: 'left' });
  for (let step = 0; step < points; step++) {
    run.logMetrics({ loss: 1 / (step + 1) }, { step });
    if (flushing && step === points >> 1) run.flush().catch(() => undefined);
  }
  return run.id;
}

/** Logs, and goes elsewhere in the same turn. */
export async function logAndGo({ points, to }: { points: number; to: string }): Promise<string> {
  const run = await tracker.startRun({ experiment: 'left' });
  setTimeout(() => {
    for (let step = 0; step < points; step++) run.logMetrics({ loss: 1 / (step + 1) }, { step });
    location.assign(to);
  });
  return run.id;
}

/** The steps of a run that are stored, which must be all from 0 on, once each; gives how many. */
export async function stored(id: string): Promise<number> {
  const { steps } = await tracker.metricHistory(id, 'loss');
  if (!steps.every((step, i) => step === i)) throw new Error(`the steps are ${steps.join()}`);
  return steps.length;
}

/** What is put aside for a reader to append. */
export async function putAside(): Promise<number> {
  const asked = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error!) }));
  const database = await asked(indexedDB.open('leaving'));
  const keys = await asked(database.transaction('about').objectStore('about').getAllKeys());
  database.close();
  return keys.length - 1;
}
