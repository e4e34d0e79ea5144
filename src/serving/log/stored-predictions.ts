import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { storageOption } from '../../storage/storage-option.ts';
import { cloudEventsOf, lineOf } from './cloud-event.ts';
import { checkPredictionQuery, type PredictionQuery } from './log-query.ts';
import type { LoggedPrediction } from './logged-prediction.ts';
import { readLog } from './read-log.ts';

/** Names the prediction log of a model. */
export interface PredictionSource {
  /** Where the deployments of the model keep it. */
  readonly storage: StorageAdapter;
  /** Name of the model. */
  readonly model: string;
}

const schema = /* @__PURE__ */ z.strictObject({ storage: storageOption, model: /* @__PURE__ */ z.string().check(/* @__PURE__ */ z.minLength(1)) });

/**
 * All that the deployments of a model have kept of their predictions, in whichever process, the newest first, each with what came of it so far. It needs no deployment: a job may read what servers wrote. What a server has
 * served within the last moments may not be written yet. Throws `ValidationError` for a wrong query.
 *
 * @example
 * ```ts
 * import { MemoryStorage, readPredictions } from 'modelkeep';
 *
 * const storage = new MemoryStorage(); // the one of the deployments
 * for await (const { id, version, output, feedback } of readPredictions({ storage, model: 'flight-delay' }, { version: 3, outcome: 'answered' })) {
 *   console.log(id, version, output, feedback.at(-1)?.label);
 * }
 * ```
 */
export async function* readPredictions(source: PredictionSource, query: PredictionQuery = {}): AsyncGenerator<LoggedPrediction, void, undefined> {
  const { storage, model } = check(schema, source, 'source');
  yield* readLog(storage, model, checkPredictionQuery(query));
}

/**
 * The same as lines of JSON, an event of CloudEvents 1.0 on each: of every prediction one of type `dev.modelkeep.prediction`, followed by one of type `dev.modelkeep.feedback` for each time that something was told of it.
 * Integers of 64 bits are exact; NaN and infinities, which JSON has no number for, are texts.
 *
 * @example
 * ```ts
 * import { MemoryStorage, exportPredictions } from 'modelkeep';
 *
 * const storage = new MemoryStorage(); // the one of the deployments
 * for await (const line of exportPredictions({ storage, model: 'flight-delay' }, { from: '2026-11-01' })) console.log(line.trimEnd());
 * ```
 */
export async function* exportPredictions(source: PredictionSource, query: PredictionQuery = {}): AsyncGenerator<string, void, undefined> {
  for await (const prediction of readPredictions(source, query)) for (const event of cloudEventsOf(source.model, prediction)) yield lineOf(event);
}
