import { Pipeline, profileData, type Clock, type FeatureStore, type Registry, type StorageAdapter, type StepHandle, type Tracker } from 'modelkeep';
import * as z from 'zod';
import type { FlightBook } from '../flight-delay/flights.ts';
import { qualityOf, type Quality } from '../flight-delay/quality.ts';
import { labelledRows, someFlights, type LabelledRows } from './flight-rows.ts';
import { fitLogistic, forecast, requestColumns, signature, type FlightRow, type LogisticModel } from './logistic-model.ts';
import { loadModel, modelFile, modelName } from './model-files.ts';
import { day, type Plan } from './plan.ts';

/** What a retraining works with. */
export interface Workshop {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly store: FeatureStore;
  readonly tracker: Tracker;
  readonly registry: Registry;
  readonly flights: FlightBook;
  readonly plan: Plan;
  /** Brings a version on its way to production, and says what was done. */
  readonly rollOut: (version: number, actor: { readonly by: string; readonly reason: string }) => Promise<string>;
}

const paramsSchema = z.object({
  /** Epoch milliseconds up to which flights are known. */
  until: z.number(),
  kind: z.enum(['daily', 'recent']).default('daily'),
  join: z.enum(['departure', 'landing']).default('departure'),
  /** Whether the version is rolled out; without it, it is registered only. */
  rollOut: z.boolean().default(true),
});

/** How a model is trained and what becomes of it. */
export type RetrainingParams = z.input<typeof paramsSchema>;

/** The pipeline, and the step whose output names the version that it made. */
export interface Retraining {
  readonly pipeline: Pipeline<RetrainingParams, z.output<typeof paramsSchema>>;
  readonly registered: StepHandle<number>;
}

/** The pipeline from the flights of the last weeks to a version on its way to production. */
export function defineRetraining({ storage, clock, store, tracker, registry, flights, plan, rollOut }: Workshop): Retraining {
  const by = 'retraining';
  // #region pipeline
  const pipeline = new Pipeline({ name: 'retrain flight-delay', storage, clock, tracker, params: paramsSchema });

  const training = pipeline.step('training set', {}, async ({ params, signal }) => {
    const end = params.until - plan.judging - day;
    return labelledRows(store, someFlights(flights, { start: end - plan.learning, end }, plan.trainingRows), params.join, signal);
  });
  const judging = pipeline.step('judging set', {}, async ({ params, signal }) => {
    // What departed on the last day may be in the air still.
    const period = { start: params.until - plan.judging - day, end: params.until - day };
    const asked = someFlights(flights, period, plan.judgingRows);
    return { served: await labelledRows(store, asked, 'departure', signal), joined: await labelledRows(store, asked, params.join, signal) };
  });
  const enough = pipeline.gate('enough flights', { needs: { training, judging } }, ({ inputs }) => [
    { name: 'to learn from', passed: inputs.training.rows.length >= 1000, actual: inputs.training.rows.length, expected: 'at least 1000' },
    { name: 'to be judged on', passed: inputs.judging.served.rows.length >= 500, actual: inputs.judging.served.rows.length, expected: 'at least 500' },
  ]);

  const trained = pipeline.step('train', { needs: { training }, after: [enough] }, async ({ inputs, params, track }) => {
    const run = await track();
    await run.logParams({ ...params, until: new Date(params.until).toISOString().slice(0, 10), rows: inputs.training.rows.length });
    await run.logDataset({ name: 'training flights', role: 'training', columns: datasetOf(inputs.training) });
    const model = fitLogistic(params.kind, inputs.training.rows, inputs.training.labels, (step, loss) => run.logMetrics({ loss }, { step }));
    return { run: run.id, model };
  });
  const judged = pipeline.step('judge', { needs: { trained, judging } }, async ({ inputs: { trained: { model }, judging: { served, joined } }, track }) => {
    const run = await track();
    const { name, fingerprint: digest } = await run.logDataset({ name: 'flights of the last week', role: 'test', columns: datasetOf(served) });
    const quality = qualityOf(scoresOf(model, joined.rows), joined.labels);
    run.logMetrics({ ...quality });
    const { production } = await registry.getModel(modelName);
    const incumbent = production === undefined ? undefined : { version: production, quality: qualityOf(scoresOf(await loadModel(await registry.load(`${modelName}@${production}`)), served.rows), served.labels) };
    return { dataset: { name, digest }, quality, incumbent };
  });
  const registered = pipeline.step('register', { needs: { training, trained, judged } }, async ({ inputs, params, run }) => {
    const { model } = inputs.trained;
    // What the training flights and the answers to them look like goes with the version: it is what its traffic is held to.
    const reference = profileData({ ...columnsOf(inputs.training.rows), score: scoresOf(model, inputs.training.rows) }, { prediction: 'score' });
    const { version } = await registry.registerVersion(modelName, {
      files: { [modelFile]: JSON.stringify(model), 'reference.json': JSON.stringify(reference) },
      run: inputs.trained.run,
      pipelineRun: run.id,
      dataset: inputs.judged.dataset,
      signature,
      createdBy: by,
      tags: { kind: params.kind, join: params.join },
      idempotent: true,
    });
    const { dataset, quality, incumbent } = inputs.judged;
    await registry.recordEvaluation(`${modelName}@${version}`, { dataset, metrics: numbersOf(quality), by });
    if (incumbent) await registry.recordEvaluation(`${modelName}@${incumbent.version}`, { dataset, metrics: numbersOf(incumbent.quality), by });
    return version;
  });
  pipeline.step('roll out', { needs: { registered }, when: ({ params }) => params.rollOut }, ({ inputs }) => rollOut(inputs.registered, { by, reason: 'trained on the last weeks' }));
  // #endregion pipeline
  return { pipeline, registered };
}

function scoresOf(model: LogisticModel, rows: readonly FlightRow[]): Float64Array {
  return Float64Array.from(rows, (row) => forecast(model, row));
}

function datasetOf({ departure, labels }: LabelledRows): Record<string, Float64Array | Float32Array> {
  return { departure, label: labels };
}

function columnsOf(rows: readonly FlightRow[]): Record<string, (number | null)[]> {
  return Object.fromEntries(requestColumns.map((name) => [name, rows.map((row) => row[name] ?? null)]));
}

function numbersOf(quality: Quality): Record<string, number> {
  return { ...quality };
}
