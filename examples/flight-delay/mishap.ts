import { isModelkeepError, type Registry } from 'modelkeep';
import { loadNetwork, untrainedNetwork } from './network.ts';
import { qualityOf } from './quality.ts';
import { modelName, type TrainingOutcome } from './training.ts';

/** What became of a bad release. */
export interface Mishap {
  version: number;
  /** What the gates said when it was to be promoted. */
  refusal: string;
  /** What serves after the rollback. */
  restored: number;
}

/** Registers a network that has learnt nothing, fails to promote it, promotes it by force, and rolls it back. */
export async function releaseSomethingWorse(registry: Registry, { examples, dataset }: TrainingOutcome['evaluation']): Promise<Mishap> {
  const inputs = { values: examples.inputs, rows: examples.rows };
  const files = await untrainedNetwork(inputs, 7);
  const predict = await loadNetwork(files['model.json'], files['weights.bin']);
  const { version } = await registry.registerVersion(modelName, { files: { ...files }, createdBy: 'someone in a hurry', tags: { kind: 'network' } });
  await registry.recordEvaluation(`${modelName}@${version}`, { dataset, metrics: { ...qualityOf(predict(inputs), examples.labels) }, by: 'training pipeline' });
  const ref = `${modelName}@${version}`;
  let refusal = '';
  try {
    await registry.promote(ref, 'production', { by: 'someone in a hurry', reason: 'it is new' });
  } catch (error) {
    if (!isModelkeepError(error, 'gate')) throw error;
    refusal = error.message;
  }
  // #region rollback
  await registry.promote(ref, 'production', { by: 'someone in a hurry', reason: 'the demo is in five minutes', force: true });
  await registry.rollback(modelName, { by: 'on call', reason: 'half of all flights are called late' });
  // #endregion rollback
  const { version: restored } = await registry.getVersion(`${modelName}@production`);
  return { version, refusal, restored };
}
