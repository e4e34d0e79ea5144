import { watch } from 'modelkeep';
import { measures, type Penguin } from './data.ts';
import { askShifted, openMonitor, referenceOf } from './drift.ts';
import { latest } from './latest.ts';
import { deploy } from './serving.ts';
import { experiment, storage, tracker } from './store.ts';
import { openLink, sync } from './sync.ts';
import { train } from './training.ts';
import { element, say, showAnswer, showCurves, showDrift, showRuns, showSync } from './views.ts';

const reference = referenceOf();
const monitor = openMonitor(reference);
const deployment = deploy(monitor);
const link = openLink();
const complain = (error: unknown): void => say('training', error instanceof Error ? error.message : String(error));

const lookAtRuns = latest(async () => {
  const { items } = await tracker.listRuns({ experiments: [experiment], limit: 8 });
  showRuns(items);
  const newest = items[0];
  if (newest === undefined) return;
  const series = await Promise.all(['loss', 'val_loss'].map(async (name) => ({ name, history: await tracker.metricHistory(newest.id, name) })));
  showCurves(newest.id, series.map(({ name, history }) => ({ name: name === 'loss' ? 'training' : 'validation', x: history.steps, y: history.values })));
}, complain);

const lookAtServer = latest(async () => showSync(await sync(link)), complain);

const answer = latest(async () => {
  const form = element<HTMLFormElement>('ask');
  if (!form.checkValidity() || !deployment.isReady()) return;
  const values = new FormData(form);
  const penguin = Object.fromEntries(measures.map((name) => [name, Number(values.get(name))])) as unknown as Penguin;
  const { output, version } = await deployment.predict(penguin);
  showAnswer(output, version);
}, (error) => say('answer', String(error)));

const askAboutShift = latest(async () => {
  if (!deployment.isReady()) return;
  showDrift(await askShifted(deployment, monitor, reference, element<HTMLInputElement>('shift').valueAsNumber));
}, (error) => say('verdict', String(error)));

element<HTMLFormElement>('train').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const number = (name: string): number => Number(new FormData(form).get(name));
  const button = form.querySelector('button')!;
  button.disabled = true;
  say('training', 'Training…');
  train({ epochs: number('epochs'), learningRate: number('learningRate'), seed: number('seed') })
    .then(() => say('training', 'Trained, registered and in production.'), complain)
    .finally(() => (button.disabled = false));
});
element('ask').addEventListener('input', answer);
element('shift').addEventListener('input', () => (element('shift-value').textContent = `${element<HTMLInputElement>('shift').valueAsNumber} mm`));
element('shift').addEventListener('change', askAboutShift);

const begin = latest(async () => {
  await deployment.ready();
  element<HTMLInputElement>('shift').disabled = false;
  if (element('verdict').dataset['state'] === undefined) say('verdict', 'Move the slider.');
  answer();
}, () => undefined); // There is none yet: the next version begins it.

// The model moves on when the registry does, whichever tab has trained.
deployment.on('version', begin);
begin();

for (const event of ['online', 'offline', 'visibilitychange']) addEventListener(event, lookAtServer);
setInterval(lookAtServer, 5_000);
addEventListener('resize', lookAtRuns);
lookAtRuns();
lookAtServer();

// #region watch
// Whatever is written, by this tab or another one, is seen here. What the copying itself notes is not looked at.
for await (const { key } of watch(storage, '', { interval: '1s' })) {
  if (key.startsWith('replication/')) continue;
  lookAtRuns();
  lookAtServer();
}
// #endregion watch
