/** Values of a batch or an epoch by name, as TensorFlow.js hands them to callbacks. */
export type FitLogs = Readonly<Record<string, number>>;

/** Callbacks for `model.fit()` and `model.fitDataset()`, as a plain object of functions that need no `this`. */
export interface FitCallbacks {
  /** Called when a fit begins. */
  onTrainBegin?: (logs?: FitLogs) => void;
  /** Called when a fit ends; not when it fails. */
  onTrainEnd?: (logs?: FitLogs) => void;
  /** Called before each epoch. */
  onEpochBegin?: (epoch: number, logs?: FitLogs) => void;
  /** Called after each epoch, with its means and those of the validation. */
  onEpochEnd?: (epoch: number, logs?: FitLogs) => void;
  /** Called before each batch, whose number starts at 0 in every epoch. */
  onBatchBegin?: (batch: number, logs?: FitLogs) => void;
  /** Called after each batch; TensorFlow.js reads the values of every batch from the device when it is there. */
  onBatchEnd?: (batch: number, logs?: FitLogs) => void;
  /** Called when the fit gives way to other work, after a batch and at most once in so many milliseconds. */
  onYield?: (epoch: number, batch: number, logs: FitLogs) => void;
}

/** How often a fit gives way to other work: as `yieldEvery` of `model.fit()`, a number being milliseconds. */
export type FitYieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;
