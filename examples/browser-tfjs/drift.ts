import { DriftMonitor, profileData, type DataProfile, type DriftVerdict } from 'modelkeep';
import { columnsOf, requests, split } from './data.ts';
import { ask, type Deployed } from './serving.ts';
import { modelName, storage } from './store.ts';

/** What came of a number of requests. */
export interface Judged {
  readonly verdict: DriftVerdict;
  readonly reference: DataProfile;
  readonly current: DataProfile;
}

/** Enough rows for a verdict; see `minRows` of the options of drift. */
const rows = 200;

/** What the penguins looked like that models are trained with. */
export function referenceOf(): DataProfile {
  return profileData(columnsOf(split().train.map(({ penguin }) => penguin)));
}

// #region monitor
/** Follows what the model is asked. The tabs of a browser feed one monitor together. */
export function openMonitor(reference: DataProfile): DriftMonitor {
  return new DriftMonitor({ storage, name: modelName, reference, window: { rows } });
}

/** Asks the model for penguins whose flippers are longer by `shift` millimetres, and says what the monitor makes of it. */
export async function askShifted(deployment: Deployed, monitor: DriftMonitor, reference: DataProfile, shift: number): Promise<Judged> {
  const asked = requests(rows, shift, 2);
  await Promise.all(asked.map((penguin) => ask(deployment, penguin)));
  const verdict = await monitor.check();
  return { verdict, reference, current: profileData(columnsOf(asked), { bins: reference }) };
}
// #endregion monitor
