import { Deployment, type DriftMonitor, type Prediction, type Predictor } from 'modelkeep';
import { tfjsHandler } from 'modelkeep/tfjs';
import { species, type Penguin, type Species } from './data.ts';
import { core, scoresOf, tf } from './model.ts';
import { modelName, registry, storage } from './store.ts';

/** What the model answers. */
export interface Answer {
  readonly species: Species;
  /** How sure it is, from 0 to 1. */
  readonly score: number;
}

export type Deployed = Deployment<Penguin, Answer>;

// #region deployment
/** Serves what is in production, in the page itself, and moves on when the registry does: also when another tab has trained. */
export function deploy(monitor: DriftMonitor): Deployed {
  return new Deployment<Penguin, Answer>({
    storage,
    registry,
    model: modelName,
    load: ({ version }) => load(version.version),
    // Requests that come together are one call of the network.
    batching: { maxSize: 64, maxDelay: 1 },
    monitor,
    observe: ({ input }) => ({ features: { ...input } }),
  });
}

async function load(version: number): Promise<Predictor<Penguin, Answer>> {
  await core.ready();
  const model = await tf.loadLayersModel(tfjsHandler(registry, `${modelName}@${version}`));
  return {
    predictBatch: async (penguins) => (await scoresOf(model, penguins)).map(answerOf),
    dispose: () => model.dispose(),
  };
}

/** Asks whatever version is in production. */
export function ask(deployment: Deployed, penguin: Penguin): Promise<Prediction<Answer>> {
  return deployment.predict(penguin);
}
// #endregion deployment

function answerOf(scores: readonly number[]): Answer {
  const score = Math.max(...scores);
  return { species: species[scores.indexOf(score)]!, score };
}
