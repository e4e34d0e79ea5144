import { DriftMonitor, FeatureStore, featureService, featureView, gates, MemoryStorage, Pipeline, profileData, Registry, Tracker, type DataProfile, type Environment, type MaturityCheckId, type Run, type SavedDataset, type StorageAdapter } from 'modelkeep';
import * as z from 'zod';
import '../../src/pipelines/launching/launch-worker.ts';
import '../../src/pipelines/triggers/trigger.ts';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
import { model, replicaOf } from '../serving/rollout/rollout-harness.ts';

export { model };

const hour = 3_600_000;
export const day = 24 * hour;
const who = { by: 'ada', reason: 'it is better' };
const testSet = { name: 'flights-test', digest: `sha256:${'7'.repeat(64)}` } as const;
const anotherSet = { name: 'flights-other', digest: `sha256:${'8'.repeat(64)}` } as const;

/** A store with the history of one model. */
export interface Story {
  readonly storage: StorageAdapter;
  readonly clock: ManualClock;
  readonly registry: Registry;
}

const environment = (dirty = false, commit: string | null = 'c'.repeat(40)): Environment => ({
  describe: () => Promise.resolve({ runtime: 'node', runtimeVersion: 'v22.11.0', lockfile: { name: 'package-lock.json', digest: `sha256:${'1'.repeat(64)}` }, code: { ...(commit !== null && { commit }), dirty } }),
  onExit: () => () => undefined,
});

/** Puts something between the records and those who read them. */
export function tampered(storage: StorageAdapter, over: Partial<StorageAdapter>): StorageAdapter {
  return new Proxy(storage, {
    get(target, name) {
      const found: unknown = Reflect.get(over, name) ?? Reflect.get(target, name, target);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });
}

async function trainRun(run: Run, { seed, flaw, dataset }: { readonly seed: number; readonly flaw?: MaturityCheckId | undefined; readonly dataset?: SavedDataset | undefined }): Promise<void> {
  await run.logParams({ ...(flaw !== 'T2' && { learningRate: 0.1 }), seed });
  if (flaw !== 'T2') run.logMetrics({ auc: 0.9 });
  if (flaw === 'T4') return;
  await run.logDataset(dataset ? { name: dataset.name, role: 'training', digest: dataset.digest, rowCount: dataset.rowCount, schema: dataset.schema } : { name: 'flights', role: 'training', rows: [{ x: seed }] });
}

/** A model that is tracked and can be made again, by hand; `flaw` says which of the checks of that level is to find something. */
export async function trackedStory(flaw?: MaturityCheckId): Promise<Story> {
  const [storage, clock] = [new MemoryStorage(), new ManualClock()];
  const registry = new Registry({ storage, clock });
  const tracker = new Tracker({ storage, clock, environment: environment(flaw === 'T3') });
  await registry.createModel(model);
  await registry.setPolicy(model, { production: [gates.integrity()] });
  const signature = { input: { type: 'row', columns: [{ name: 'x', type: 'float64' }] }, output: { type: 'float64' } } as const;
  let made: Run | undefined;
  for (let seed = 1; seed <= 7; seed++) {
    clock.jump(hour);
    made = await tracker.startRun({ experiment: 'flights', seed });
    await trainRun(made, { seed, flaw });
    if (flaw !== 'T1' || seed > 2) await made.end();
  }
  for (const n of [1, 2]) {
    await registry.registerVersion(model, { files: { 'model.json': `{"n":${n}}` }, ...(flaw !== 'T6' && { signature }), ...((flaw !== 'T5' || n === 2) && { run: made }) });
    await registry.promote(`${model}@${n}`, 'production', who);
  }
  clock.jump(day);
  return { storage, clock, registry };
}

/** A model that a pipeline makes and gates let through, brought into production by hand. */
export async function automatedStory(flaw?: MaturityCheckId): Promise<Story> {
  return new Automation(flaw).tell(false);
}

/** A model in a closed loop: what is served is watched, alerts start the training, and a canary brings what comes of it into production. */
export async function closedLoopStory(flaw?: MaturityCheckId): Promise<Story> {
  return new Automation(flaw).tell(true);
}

const paramsSchema = z.object({ seed: z.number(), bad: z.boolean().default(false), register: z.boolean().default(false), broken: z.boolean().default(false) });
type Params = z.input<typeof paramsSchema>;

type RetrainPipeline = Pipeline<Params, z.output<typeof paramsSchema>>;
type StartRun = (params: Params, options?: { readonly by?: string; readonly refresh?: true }, pipeline?: RetrainPipeline) => Promise<string>;

const definitions = {
  delays: (maxAge: '1h' | '60d') => featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', freshness: { maxAge }, features: { delay: 'float64', wind: 'float64' } }),
  first: featureService({ name: 'flights_v1', features: ['delays:delay'] }),
  second: featureService({ name: 'flights_v1', features: ['delays:delay', 'delays:wind'] }),
};

class Automation {
  readonly clock = new ManualClock();
  readonly storage = new MemoryStorage();
  readonly registry = new Registry({ storage: this.storage, clock: this.clock });
  readonly features = new FeatureStore({ storage: this.storage, clock: this.clock, servingLog: { sample: 1 } });
  readonly profile: DataProfile;
  readonly #flaw: MaturityCheckId | undefined;
  #commit: string | null = 'c'.repeat(40);
  #ingested = 0;

  constructor(flaw?: MaturityCheckId) {
    this.#flaw = flaw;
    const x = Float64Array.from({ length: 1000 }, (_, i) => i);
    this.profile = profileData({ x, y: [...x].map((value) => (value < 500 ? 'late' : 'punctual')) }, { prediction: 'y' });
  }

  async tell(loop: boolean): Promise<Story> {
    const { clock, storage, registry } = this;
    const flaw = this.#flaw;
    await registry.createModel(model);
    await registry.setPolicy(model, { production: [gates.metric('auc', { goal: 'maximize', min: 0.5 }), gates.integrity()] });
    const dataset = await this.#features();
    const retrain = this.#pipeline(dataset);
    const start: StartRun = async (params, options = {}, pipeline = retrain) => {
      clock.jump(hour);
      return (await pipeline.run({ params, ...options })).id;
    };
    await start({ seed: 91 }, { by: 'ci' });
    for (let seed = 1; seed <= 4; seed++) await start({ seed });
    // Another graph, which the continuous integration runs first unless it forgets to.
    const other = this.#pipeline(dataset, 'tell');
    if (flaw !== 'C7') await start({ seed: 92 }, { by: 'ci-nightly' }, other);
    await start({ seed: 93 }, { by: 'ada' }, other);
    await start({ seed: 1 }, { refresh: true });
    if (flaw !== 'A5') await start({ seed: 8, bad: true });
    if (flaw === 'A1') await this.#byHand();
    await start({ seed: 9, register: true });
    await this.#evaluate(1, testSet);
    await registry.promote(`${model}@1`, 'production', who);
    if (loop) await this.#loop(retrain, start);
    else {
      if (flaw !== 'A2') await this.#scheduled(retrain);
      if (flaw === 'A7') this.#commit = null;
      // A tracker learns once where it is.
      await start({ seed: 10, register: true, broken: flaw === 'A8' }, {}, this.#pipeline(dataset));
      await this.#evaluate(2, flaw === 'A4' ? anotherSet : testSet);
      await registry.promote(`${model}@2`, 'production', who);
    }
    await this.#serve();
    return { storage, clock, registry };
  }

  async #features(): Promise<SavedDataset> {
    const { features, clock } = this;
    const delays = definitions.delays(this.#flaw === 'C6' ? '1h' : '60d');
    await features.apply([delays, definitions.first]);
    const rows = [{ origin: 'ATL', landed: clock.now() - hour, delay: 12, wind: 3 }];
    await features.ingest(delays, rows, { online: true, ...(this.#flaw !== 'A3' && { validate: { minRows: 1 } }) });
    clock.jump(1000);
    return features.saveDataset('flights', { entities: [{ origin: 'ATL', at: clock.now() }], timestamp: 'at', features: 'flights_v1' });
  }

  #pipeline(dataset: SavedDataset, last = 'report'): RetrainPipeline {
    const { storage, clock, registry, profile } = this;
    const flaw = this.#flaw;
    const tracker = new Tracker({ storage, clock, environment: { describe: () => environment(false, this.#commit).describe(), onExit: () => () => undefined } });
    const pipeline = new Pipeline({ name: 'retrain', storage, clock, tracker, params: paramsSchema });
    const rows = pipeline.step('ingest', { cache: { version: '1', params: ['seed'] } }, ({ params }) => ({ seed: params.seed, n: flaw === 'A9' ? ++this.#ingested : 0 }));
    const quality = (name: string, needs: { readonly rows: typeof rows }) => pipeline.gate(name, { needs }, ({ params }) => [{ name: 'rows', passed: !params.bad }]);
    const before = flaw === 'A3' ? [] : [quality('quality', { rows })];
    const trained = pipeline.step('train', { needs: { rows }, after: before }, async ({ params, track }) => {
      const run = await track();
      await trainRun(run, { seed: params.seed, dataset });
      await run.logArtifact('profile.json', JSON.stringify(profile));
      return run.id;
    });
    const registered = pipeline.step('register', { needs: { trained } }, async ({ params, inputs, run }) => {
      if (!params.register) return 0;
      const { version } = await registry.registerVersion(model, {
        files: { 'model.json': JSON.stringify(params) },
        run: inputs.trained,
        pipelineRun: run.id,
        dataset,
        signature: { input: { type: 'row', columns: [{ name: 'delay', type: 'float64' }] }, output: { type: 'float64' } },
        features: { service: 'flights_v1', version: 1 },
      });
      return version;
    });
    if (flaw === 'A3') quality('beside', { rows });
    pipeline.step(last, { needs: { registered }, retries: { limit: 0 } }, ({ params, run }) => (params.broken ? this.#stopped(pipeline, run.id) : 'told'));
    return pipeline;
  }

  /** Has a run cancelled in its last step. */
  async #stopped(pipeline: RetrainPipeline, run: string): Promise<string> {
    await pipeline.cancel(run, { by: 'ada', reason: 'enough' });
    throw new Error('stopped');
  }

  /** Runs of nobody's pipeline. */
  async #byHand(): Promise<void> {
    const { storage, clock } = this;
    const tracker = new Tracker({ storage, clock, environment: environment() });
    for (let seed = 20; seed < 25; seed++) {
      const run = await tracker.startRun({ experiment: 'retrain', seed, tags: { 'modelkeep.step': 'train' } });
      await trainRun(run, { seed });
      await run.end();
    }
  }

  async #scheduled(pipeline: RetrainPipeline): Promise<void> {
    await pipeline.schedule({ name: 'minutely', every: '1m', params: () => ({ seed: 50 }) });
    const keeper = pipeline.start();
    await this.clock.advance(90_000);
    await keeper.close({ signal: AbortSignal.abort() });
  }

  async #evaluate(version: number, dataset: { readonly name: string; readonly digest: string }): Promise<void> {
    await this.registry.recordEvaluation(`${model}@${version}`, { dataset, metrics: { auc: 0.8 + version / 100 } });
  }

  /** An alert of the monitor starts the training, and a canary brings what it made into production. */
  async #loop(retrain: RetrainPipeline, start: StartRun): Promise<void> {
    const { storage, clock, registry, profile } = this;
    const flaw = this.#flaw;
    if (flaw !== 'C5') await this.#drill(start);
    const monitor = new DriftMonitor({ storage, name: model, reference: profile, window: { rows: 200 }, clock, alerts: { severity: { 'data-drift': 'critical' } }, performance: { metric: 'accuracy', min: 0.5, every: '1h', maxLabelDelay: '1h', minLabels: 10 } });
    const observe = (from: number, labelled: number): void => {
      for (let i = 0; i < 200; i++) {
        const x = from + ((i * 5) % 1000);
        monitor.observe({ id: `${clock.now()}-${i}`, version: 1, features: { x }, prediction: x < 500 ? 'late' : 'punctual' });
        if (i < labelled) monitor.feedback({ id: `${clock.now()}-${i}`, label: x < 500 ? 'late' : 'punctual' });
      }
    };
    await retrain.triggerOn(monitor.alerts(), { name: 'drift', params: () => ({ seed: 77, register: flaw !== 'C3' }) });
    const keeper = retrain.start();
    await settled();
    observe(5000, flaw === 'C2' ? 20 : 200);
    await monitor.flush();
    await clock.advance(10_000);
    await keeper.close({ signal: AbortSignal.abort() });
    if (flaw === 'C3') await start({ seed: 78, register: true });
    const latest = (await registry.getModel(model)).latest;
    await this.#evaluate(latest, testSet);
    await (flaw === 'C4' ? registry.promote(`${model}@${latest}`, 'production', who) : this.#canary(latest));
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    if (flaw !== 'C8') await registry.sign(`${model}@${latest}`, { privateKey: keys.privateKey, by: 'ci', reason: 'built' });
    await registry.updateVersion(`${model}@${latest}`, { tags: { 'model-card': 'https://cards.example/9', 'ml-bom': 'https://boms.example/9' } });
    clock.jump(3 * hour);
    if (flaw !== 'C9') observe(0, flaw === 'C2' ? 0 : 200);
    await monitor.check();
    clock.jump(flaw === 'C9' ? 30 * hour : flaw === 'C1' ? 60 * hour : hour);
    if (flaw === 'C9') await this.#keepJudging(monitor);
    await monitor.close();
  }

  /** Another window that drifted. */
  async #keepJudging(monitor: DriftMonitor): Promise<void> {
    for (let i = 0; i < 200; i++) monitor.observe({ id: `again-${i}`, version: 1, features: { x: 5000 + i }, prediction: 'late' });
    await monitor.check();
  }

  /** A version comes and goes again. */
  async #drill(start: StartRun): Promise<void> {
    const { registry, clock } = this;
    await start({ seed: 11, register: true });
    await this.#evaluate(2, testSet);
    await registry.promote(`${model}@2`, 'production', who);
    clock.jump(hour);
    await registry.rollback(model, { by: 'ada', reason: 'drill' });
  }

  async #canary(candidate: number): Promise<void> {
    const { storage, registry, clock } = this;
    const { controller, serve } = replicaOf(storage, registry, clock);
    await controller.start({ candidate, steps: [{ weight: 50, hold: '10m' }], guardrails: [{ metric: 'error_rate', max: 0.05 }, { metric: 'error_rate', notWorseThan: 'stable' }] });
    serve(300);
    clock.jump(hour);
    await controller.look();
  }

  async #serve(): Promise<void> {
    const { features, clock } = this;
    clock.jump(hour);
    if (this.#flaw === 'A6') await features.apply([definitions.second]);
    await features.getOnlineFeatures({ entities: [{ origin: 'ATL' }], features: this.#flaw === 'A6' ? 'flights_v1@2' : 'flights_v1@1' });
    await features.close();
  }
}
