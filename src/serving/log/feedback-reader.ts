import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll, readValues } from '../../storage/records.ts';
import { logPrefix, windowEnd, windowOf, windowOfId, windowSegment } from './log-keys.ts';
import type { LoggedFeedback, StoredFeedback, StoredPrediction } from './logged-prediction.ts';

type FeedbackById = ReadonlyMap<string, readonly StoredFeedback[]>;

const recordsPerRead = 64;
// Predictions come in the order of time, so that a window is done with soon.
const windowsKept = 4;

/** Finds what came of predictions that are asked for from the newest to the oldest. */
export class FeedbackReader {
  readonly #storage: StorageAdapter;
  readonly #prefix: string;
  readonly #signal: AbortSignal | undefined;
  readonly #windows = new Map<number, FeedbackById>();
  /** Of ids that do not tell when they were made: their feedback is kept under the moment when it came. */
  readonly #placeless = new Map<string, StoredFeedback[]>();
  /** The oldest window of which they are read; absent before the first is. */
  #placelessFrom: number | undefined;

  constructor(storage: StorageAdapter, model: string, signal: AbortSignal | undefined) {
    this.#storage = storage;
    this.#prefix = logPrefix(model, 'feedback');
    this.#signal = signal;
  }

  /** What came of a prediction, oldest first. */
  async of({ id, at }: StoredPrediction): Promise<readonly LoggedFeedback[]> {
    const window = windowOfId(id);
    const found = window === undefined ? await this.#ofPlaceless(id, windowOf(at)) : (await this.#window(window)).get(id);
    return (found ?? []).map(({ at: came, label, metrics }) => ({ at: came, ...(label !== undefined && { label }), ...(metrics && { metrics }) })).sort((a, b) => a.at - b.at);
  }

  async #window(window: number): Promise<FeedbackById> {
    let found = this.#windows.get(window);
    if (found === undefined) {
      const read = new Map<string, StoredFeedback[]>();
      await this.#read(window, window, (feedback) => void read.set(feedback.id, [...(read.get(feedback.id) ?? []), feedback]));
      this.#windows.set(window, (found = read));
      if (this.#windows.size > windowsKept) this.#windows.delete(this.#windows.keys().next().value!);
    }
    return found;
  }

  async #ofPlaceless(id: string, from: number): Promise<readonly StoredFeedback[] | undefined> {
    // What came before the prediction was asked is not of it.
    if (this.#placelessFrom === undefined || from < this.#placelessFrom) {
      const newest = this.#placelessFrom === undefined ? undefined : this.#placelessFrom - 1;
      this.#placelessFrom = from;
      await this.#read(newest, from, (feedback) => {
        if (windowOfId(feedback.id) === undefined) this.#placeless.set(feedback.id, [...(this.#placeless.get(feedback.id) ?? []), feedback]);
      });
    }
    return this.#placeless.get(id);
  }

  /** Feedback that is kept under windows from the newest, or the newest of all, to the oldest. */
  async #read(newest: number | undefined, oldest: number, add: (feedback: StoredFeedback) => void): Promise<void> {
    const options = { signal: this.#signal };
    const end = windowEnd(this.#prefix, oldest);
    let keys: string[] = [];
    const take = async (): Promise<void> => {
      const records = await readValues<StoredFeedback[]>(this.#storage, keys, options);
      keys = [];
      for (const record of records) record?.value.forEach(add);
    };
    for await (const { key } of listAll(this.#storage, { prefix: this.#prefix, after: newest === undefined ? undefined : `${this.#prefix}${windowSegment(newest)}` }, options)) {
      if (key > end) break;
      keys.push(key);
      if (keys.length >= recordsPerRead) await take();
    }
    await take();
  }
}
