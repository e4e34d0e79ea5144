import { Tracker, type Run } from 'modelkeep';
import { browserEnvironment } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { tfjsCallbacks } from 'modelkeep/tfjs';
import { Training } from './tfjs-training.ts';

const tracker = new Tracker({ storage: new IndexedDBStorage('bench'), environment: browserEnvironment() });
const trainings = new Map<string, Training>();

/** How large a training is. */
export interface TrainingSize {
  /** Rows to train with, in batches of 32. */
  readonly rows: number;
  /** Units of the hidden layer. */
  readonly hidden: number;
}

/** What is recorded of a training: epochs and what is seen at yields, or every batch. */
export type Recorded = 'epochs' | 'batches';

let recording: { readonly run: Run; readonly recorded: Recorded } | undefined;

/** Begins the run in which the fits from now on are recorded. */
export async function begin(recorded: Recorded): Promise<void> {
  recording = { run: await tracker.startRun({ experiment: 'bench' }), recorded };
}

/** Ends it: the fits from now on are not recorded. */
export async function end(): Promise<void> {
  await recording?.run.end();
  recording = undefined;
}

/** Trains; when a run was begun, until all that was recorded is flushed. */
export async function fit({ rows, hidden }: TrainingSize): Promise<void> {
  const size = `${rows}×${hidden}`;
  const training = trainings.get(size) ?? new Training({ rows, hidden });
  trainings.set(size, training);
  if (recording === undefined) return training.fit();
  await training.fit(tfjsCallbacks(recording.run, { batches: recording.recorded === 'batches' }));
  await recording.run.flush();
}
