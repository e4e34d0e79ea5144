import { Pipeline, gates, isModelkeepError, type Digest, type FeatureStore, type PipelineListener, type PipelineResult, type PipelineRunSummary, type Registry, type StorageAdapter, type Tracker } from 'modelkeep';
import * as z from 'zod';
import { fitBaseline, predictBaseline } from './baseline.ts';
import { evaluationPeriod, trainingPeriod } from './calendar.ts';
import { labelledExamples, sampleFlights, seeded, type LabelledExamples } from './examples.ts';
import type { FlightBook } from './flights.ts';
import { modelColumns } from './model-inputs.ts';
import { loadNetwork, trainNetwork } from './network.ts';
import { qualityOf, type Quality } from './quality.ts';

export const modelName = 'flight-delay';
export const experiment = 'flight-delay';

/** What training works with. */
export interface Workshop {
  storage: StorageAdapter;
  store: FeatureStore;
  tracker: Tracker;
  registry: Registry;
  flights: FlightBook;
}

/** How a training goes. */
export interface TrainingParams {
  /** Flights of January to learn from. */
  rows: number;
  epochs: number;
  seed: number;
}

/** What came of a training. */
export interface TrainingOutcome {
  run: PipelineResult;
  /** Whether it went on with one that was cut off. */
  resumed: boolean;
  trainingRows: number;
  /** What the versions were judged on. */
  evaluation: { examples: LabelledExamples; dataset: { name: string; digest: Digest } };
  runs: { baseline: string; network: string; evaluation: string };
  quality: { baseline: Quality; network: Quality };
  versions: { baseline: number; network: number };
}

/** The model and the gates before its production stage; harmless when they are there, wherever an earlier call was cut off. */
export async function ensureModel(registry: Registry): Promise<void> {
  try {
    await registry.createModel(modelName, { description: 'Does the flight arrive more than 15 minutes late?', owner: 'operations' });
  } catch (error) {
    if (!isModelkeepError(error, 'conflict')) throw error;
  }
  if ((await registry.getModel(modelName)).policy.production !== undefined) return;
  // #region policy
  await registry.setPolicy(modelName, {
    production: [gates.metric('auc', { goal: 'maximize', min: 0.55, notWorseThan: 'production', tolerance: 0.005 }), gates.integrity()],
  });
  // #endregion policy
}

/** Runs the pipeline from the joined examples to a version in production. */
export async function train({ storage, store, tracker, registry, flights }: Workshop, params: TrainingParams, signal: AbortSignal, onEvent: PipelineListener): Promise<TrainingOutcome> {
  // #region pipeline
  const pipeline = new Pipeline({ name: 'train flight-delay', storage, params: z.object({ rows: z.int(), epochs: z.int(), seed: z.int() }) });

  const training = pipeline.step('training set', {}, ({ params, signal }) =>
    labelledExamples(store, sampleFlights(flights.departing(trainingPeriod), params.rows, seeded(params.seed)), signal),
  );
  const evaluation = pipeline.step('evaluation set', {}, ({ signal }) => labelledExamples(store, flights.departing(evaluationPeriod), signal));

  const baseline = pipeline.step('baseline', { needs: { training } }, ({ inputs: { training: data } }) =>
    tracker.withRun({ experiment, name: 'baseline', params: { model: 'rate by hour' } }, async (run) => {
      await run.logDataset({ name: 'flights 2001-01', role: 'training', columns: { departure: data.departure, label: data.labels } });
      const fitted = fitBaseline(data.departure, data.labels);
      run.logMetrics({ ...prefixed('training', qualityOf(predictBaseline(fitted, data.departure), data.labels)) });
      return { run: run.id, fitted };
    }),
  );

  const network = pipeline.step('network', { needs: { training }, retries: { limit: 1 } }, ({ inputs: { training: data }, params, signal }) =>
    tracker.withRun({ experiment, name: 'network', params: { model: 'dense 16-8-1', learningRate: 0.003, batchSize: 512, ...params } }, async (run) => {
      await run.logDataset({ name: 'flights 2001-01', role: 'training', columns: { departure: data.departure, label: data.labels } });
      const files = await trainNetwork({ values: data.inputs, rows: data.rows }, data.labels, {
        epochs: params.epochs,
        batchSize: 512,
        learningRate: 0.003,
        seed: params.seed,
        signal,
        onBatch: (step, loss) => run.logMetrics({ loss }, { step }),
      });
      await run.logArtifact('columns.json', JSON.stringify(modelColumns), { mediaType: 'application/json' });
      return { run: run.id, files };
    }),
  );

  const evaluated = pipeline.step('evaluate', { needs: { baseline, network, evaluation } }, ({ inputs: { evaluation: data, ...trained } }) =>
    tracker.withRun({ experiment, name: 'evaluation' }, async (run) => {
      const columns = { departure: data.departure, label: data.labels };
      const { name, fingerprint: digest } = await run.logDataset({ name: 'flights 2001-02 first week', role: 'test', columns });
      const predict = await loadNetwork(trained.network.files['model.json'], trained.network.files['weights.bin']);
      const quality = {
        baseline: qualityOf(predictBaseline(trained.baseline.fitted, data.departure), data.labels),
        network: qualityOf(predict({ values: data.inputs, rows: data.rows }), data.labels),
      };
      run.logMetrics({ ...prefixed('baseline', quality.baseline), ...prefixed('network', quality.network) });
      return { run: run.id, dataset: { name, digest }, quality };
    }),
  );

  const registered = pipeline.step('register', { needs: { baseline, network, evaluated } }, async ({ inputs }) => {
    const { dataset, quality } = inputs.evaluated;
    const register = async (kind: 'baseline' | 'network', files: Record<string, string | Uint8Array>): Promise<number> => {
      const { version } = await registry.registerVersion(modelName, { files, run: inputs[kind].run, createdBy: 'training pipeline', tags: { kind } });
      await registry.recordEvaluation(`${modelName}@${version}`, { dataset, metrics: { ...quality[kind] }, by: 'training pipeline' });
      return version;
    };
    return { baseline: await register('baseline', { 'baseline.json': JSON.stringify(inputs.baseline.fitted) }), network: await register('network', { ...inputs.network.files }) };
  });

  const promoted = pipeline.step('promote', { needs: { registered } }, async ({ inputs }) => {
    const by = 'training pipeline';
    const { production } = await registry.getModel(modelName);
    // Something must serve before there is anything to be compared with.
    if (production === undefined) await registry.promote(`${modelName}@${inputs.registered.baseline}`, 'production', { by, reason: 'the first version' });
    await registry.promote(`${modelName}@${inputs.registered.network}`, 'production', { by, reason: 'not worse than what serves' });
  });

  // A training that was cut off goes on where it stopped, whichever process began it.
  const unfinished = await unfinishedRun(pipeline.runs());
  const run = unfinished === undefined ? await pipeline.run({ params, signal, onEvent }) : await pipeline.resume(unfinished, { signal, onEvent });
  // #endregion pipeline
  signal.throwIfAborted();
  // Throws, telling why, when it did not come to its end.
  run.output(promoted);
  const { run: evaluationRun, quality, dataset } = run.output(evaluated);
  return {
    run,
    resumed: unfinished !== undefined,
    trainingRows: run.output(training).rows,
    evaluation: { examples: run.output(evaluation), dataset },
    runs: { baseline: run.output(baseline).run, network: run.output(network).run, evaluation: evaluationRun },
    quality,
    versions: run.output(registered),
  };
}

/** The newest run, if it was cut off and nobody works on it. One that failed is begun anew, for what it had made may be why it failed. */
async function unfinishedRun(runs: AsyncIterable<PipelineRunSummary>): Promise<string | undefined> {
  for await (const { id, status } of runs) return status === 'interrupted' || status === 'cancelled' ? id : undefined;
  return undefined;
}

function prefixed(prefix: string, quality: Quality): Record<string, number> {
  return Object.fromEntries(Object.entries(quality).map(([name, value]) => [`${prefix}/${name}`, value as number]));
}
