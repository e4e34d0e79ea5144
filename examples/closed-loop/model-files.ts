import { gates, type DataProfile, type DeploymentOptions, type Registry } from 'modelkeep';
import { forecast, type FlightRow, type Forecast, type LogisticModel } from './logistic-model.ts';

export const modelName = 'flight-delay';
export const modelFile = 'model.json';

type OpenedVersion = Awaited<ReturnType<Registry['load']>>;

/** Makes the model and the gates before its production stage. */
export async function createModel(registry: Registry): Promise<void> {
  await registry.createModel(modelName, { description: 'Does the flight arrive more than 15 minutes late?', owner: 'operations' });
  // #region policy
  await registry.setPolicy(modelName, {
    production: [gates.metric('auc', { goal: 'maximize', min: 0.55, notWorseThan: 'production', tolerance: 0.01 }), gates.signature(), gates.integrity()],
  });
  // #endregion policy
}

/** The model of an opened version. */
export async function loadModel(version: OpenedVersion): Promise<LogisticModel> {
  return JSON.parse(new TextDecoder().decode(await version.file(modelFile))) as LogisticModel;
}

/** What a deployment makes of a version. */
export const loadPredictor: DeploymentOptions<FlightRow, Forecast>['load'] = async (version) => {
  const model = await loadModel(version);
  return (row) => ({ score: forecast(model, row) });
};

/** What a version was trained on looked like. */
export async function loadReference(version: OpenedVersion): Promise<DataProfile> {
  return JSON.parse(new TextDecoder().decode(await version.file('reference.json'))) as DataProfile;
}
