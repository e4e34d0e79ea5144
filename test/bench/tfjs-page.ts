import { Tracker } from 'modelkeep';
import { browserEnvironment } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { tfjsCallbacks } from 'modelkeep/tfjs';
import { Training } from './tfjs-training.ts';

const tracker = new Tracker({ storage: new IndexedDBStorage('bench'), environment: browserEnvironment() });
const training = new Training({ rows: 3200, hidden: 64 });

/** Trains, recorded or not, and gives the milliseconds of the fit. */
export async function fit({ recorded }: { recorded: boolean }): Promise<number> {
  if (!recorded) return timed();
  return tracker.withRun({ experiment: 'bench' }, (run) => timed(tfjsCallbacks(run)));
}

async function timed(callbacks?: Parameters<Training['fit']>[0]): Promise<number> {
  const start = performance.now();
  await training.fit(callbacks);
  return performance.now() - start;
}
