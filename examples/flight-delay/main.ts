import { FeatureStore, isModelkeepError, Registry, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { nodeEnvironment } from 'modelkeep/node';
import { airportDelays, landingEvents } from './airport-delays.ts';
import { future, past, servingPeriod, trainingPeriod, type Period } from './calendar.ts';
import { FlightBook, readFlights } from './flights.ts';
import { releaseSomethingWorse } from './mishap.ts';
import { watch } from './monitoring.ts';
import { serve } from './serving.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { count, describeStep, historyRow, runRow, Story } from './story.ts';
import { ensureModel, experiment, modelName, train } from './training.ts';

const directory = process.argv[2] ?? '.modelkeep';
const story = new Story();
const stop = new AbortController();
process.on('SIGINT', () => (stop.signal.aborted ? process.exit(130) : stop.abort(new Error('interrupted'))));

try {
  await liveThrough(stop.signal);
} catch (error) {
  if (stop.signal.aborted) {
    story.say('\nStopped. What was done is kept; run this again, and it goes on from there.');
    process.exitCode = 130;
  } else if (isModelkeepError(error)) {
    story.say(`\n${error.message}`);
    process.exitCode = 1;
  } else throw error;
}

/** The whole life of a model, from its features to the rollback of a worse one; it ends early when the signal fires. */
async function liveThrough(signal: AbortSignal): Promise<void> {
  const clock = new SimulatedClock(trainingPeriod.start);

  // #region store
  await using storage = new FilesystemStorage(directory);
  const tracker = new Tracker({ storage, environment: nodeEnvironment() });
  const registry = new Registry({ storage });
  const store = new FeatureStore({ storage, clock });
  // #endregion store

  story.chapter('The life of a model, on three million real flights');
  const earlier = (await tracker.listRuns({ experiments: [experiment], limit: 6 })).items;
  if (earlier.length === 0) story.say(`The store in ${directory} is empty. Run this again, and it will remember.`);
  else {
    story.say(`The store in ${directory} remembers earlier runs:`);
    story.table(earlier.map(runRow));
  }

  story.chapter('1. Features');
  const flights = new FlightBook();
  for await (const group of readFlights()) flights.add(group);
  // #region ingest
  await store.apply([airportDelays]);
  const ingested = await store.ingest('airport_delays', landings(flights, past), { signal, onProgress: ({ done }) => story.progress(`${count(done)} landings`) });
  // #endregion ingest
  story.say(`${count(ingested.rows + ingested.known)} landings of January and February are in the feature store, ${ingested.known === 0 ? 'all of them new' : `${ingested.rows === 0 ? 'none' : count(ingested.rows)} of them new`}.`);

  story.chapter('2. Training');
  await ensureModel(registry);
  const trained = await train({ storage, store, tracker, registry, flights }, { rows: 500_000, epochs: 3, seed: 1 }, signal, (event) => {
    const line = describeStep(event);
    if (line !== undefined) story.progress(line);
  });
  const { baseline, network } = trained.quality;
  if (trained.resumed) story.say('An earlier training was cut off. It went on where it had stopped.');
  story.say(`Learnt from ${count(trained.trainingRows)} flights of January, judged on the ${count(trained.evaluation.examples.rows)} of the first week of February:`);
  story.table([
    ['', 'AUC', 'log loss', 'version', 'run'],
    ['baseline', baseline.auc.toFixed(3), baseline.logLoss.toFixed(3), `${modelName}@${trained.versions.baseline}`, trained.runs.baseline],
    ['network', network.auc.toFixed(3), network.logLoss.toFixed(3), `${modelName}@${trained.versions.network}`, trained.runs.network],
  ]);
  const { steps } = await tracker.metricHistory(trained.runs.network, 'loss');
  story.say(`The loss was tracked at ${count(steps.length)} steps. The network passed its gates and is in production.`);

  story.chapter('3. Serving');
  const report = await serve({ store, registry, clock }, flights, 1000, signal, (done) => story.progress(`${count(done)} requests answered`));
  story.say(`Version ${report.version} was loaded with its digests checked and answered ${count(report.requests)} requests of ${servingPeriod.label}, AUC ${report.quality.auc.toFixed(3)}.`);
  if (report.differences > 0) throw new Error(`${report.differences} features differed between the online store and the point-in-time join.`);
  story.say(`Its ${count(report.values)} feature values were compared with the point-in-time join: no difference, to the last bit.`);
  story.say(`An answer took ${report.latency.median.toFixed(1)} ms in the median and ${report.latency.p99.toFixed(1)} ms at the 99th percentile, features included.`);

  story.chapter('4. Monitoring');
  const rest = await store.ingest('airport_delays', landings(flights, future), { signal, onProgress: ({ done }) => story.progress(`${count(done)} more landings`) });
  story.say(`The ${count(rest.rows + rest.known)} landings until July ${rest.known === 0 ? 'came in' : 'were there already'}. Against January:`);
  for await (const { month, verdict } of watch({ storage, store, registry }, flights, signal, (text) => story.progress(text))) {
    story.say(`  ${month.label.padEnd(8)}  ${verdict.status.padEnd(12)}  ${verdict.summary}`);
  }

  story.chapter('5. A mishap');
  const mishap = await releaseSomethingWorse(registry, trained.evaluation);
  story.say(`Version ${mishap.version} has learnt nothing, and the gates refuse it:`);
  story.say(`  ${mishap.refusal}`);
  story.say(`It was promoted by force all the same, and rolled back in one call: version ${mishap.restored} serves again. The history of the model knows all of it:`);
  const history = await registry.history(modelName);
  story.table(history.map(historyRow).filter((row) => row !== undefined));
}

/** The events of what lands within a period, as columns. */
async function* landings(flights: FlightBook, period: Period): AsyncGenerator<ReturnType<typeof landingEvents>> {
  for (const landed of flights.landing(period)) yield landingEvents(landed);
}
