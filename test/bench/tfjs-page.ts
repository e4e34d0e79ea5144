import { Tracker } from 'modelkeep';
import { browserEnvironment } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { tfjsCallbacks } from 'modelkeep/tfjs';
import { Training } from './tfjs-training.ts';

const tracker = new Tracker({ storage: new IndexedDBStorage('bench'), environment: browserEnvironment() });
const trainings = new Map<string, Training>();

/** How a training is measured. */
export interface FitOptions {
  /** Rows to train with, in batches of 32. */
  readonly rows: number;
  /** Units of the hidden layer. */
  readonly hidden: number;
  /** What is recorded: nothing, epochs and what is seen at yields, or every batch. */
  readonly recorded: 'nothing' | 'epochs' | 'batches';
}

/** Trains, recorded or not, and gives the milliseconds of the fit. */
export async function fit({ rows, hidden, recorded }: FitOptions): Promise<number> {
  const size = `${rows}×${hidden}`;
  const training = trainings.get(size) ?? new Training({ rows, hidden });
  trainings.set(size, training);
  if (recorded === 'nothing') return timed(training);
  return tracker.withRun({ experiment: 'bench' }, (run) => timed(training, tfjsCallbacks(run, { batches: recorded === 'batches' })));
}

async function timed(training: Training, callbacks?: Parameters<Training['fit']>[0]): Promise<number> {
  const start = performance.now();
  await training.fit(callbacks);
  return performance.now() - start;
}
