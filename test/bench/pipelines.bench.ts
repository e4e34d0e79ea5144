import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, type PipelineOptions, type StepHandle } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { systemClock } from '../../src/core/clock.ts';
import { encode } from '../../src/core/codec.ts';
import { newId } from '../../src/core/ids.ts';
import { RunStore, type RunHead } from '../../src/pipelines/run-store.ts';
import { planSteps, type Plan, type StepSpec } from '../../src/pipelines/plan.ts';
import { decide } from '../../src/pipelines/reducer.ts';
import { retryPolicy } from '../../src/pipelines/retry.ts';
import { initialState, untouched, type StepState } from '../../src/pipelines/run-state.ts';
import { readValue } from '../../src/storage/records.ts';
import { compare, measure, type Benchmark, type Result } from './harness.ts';

const steps = 100;
const decided = 10_000;

/** A run of a chain of steps that do nothing, each given the output of the one before. */
async function runChain(storage: PipelineOptions<undefined, undefined>['storage']): Promise<void> {
  const pipeline = new Pipeline({ name: 'chain', storage });
  let last: StepHandle<number> | undefined;
  for (let i = 0; i < steps; i++) last = pipeline.step(`step-${i}`, { needs: last ? { last } : {} }, async () => i);
  const { status } = await pipeline.run();
  if (status !== 'succeeded') throw new Error(`The run is ${status}.`);
}

/** A pipeline of a step with 10,000 items that do nothing. */
function mapPipeline(storage: PipelineOptions<undefined, undefined>['storage']): Pipeline {
  const pipeline = new Pipeline({ name: 'map', storage });
  pipeline.map('items', { over: Array.from({ length: decided }, (_, i) => i) }, async ({ item }) => item);
  return pipeline;
}

async function runMap(storage: PipelineOptions<undefined, undefined>['storage']): Promise<void> {
  const { status } = await mapPipeline(storage).run();
  if (status !== 'succeeded') throw new Error(`The run is ${status}.`);
}

/** The same, but that the first item fails whenever it is run. */
function failingMap(storage: PipelineOptions<undefined, undefined>['storage']): Pipeline {
  const pipeline = new Pipeline({ name: 'map', storage });
  const work = async ({ item }: { item: number }): Promise<number> => {
    if (item === 0) throw new Error('The first fails.');
    return item;
  };
  pipeline.map('items', { over: Array.from({ length: decided }, (_, i) => i) }, work);
  return pipeline;
}

interface Disk {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  readonly file: FileHandle;
}

const onDisk = {
  operations: steps,
  setup: async (): Promise<Disk> => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
    return { directory, storage: new FilesystemStorage(join(directory, 'store')), file: await open(join(directory, 'raw'), 'a') };
  },
  teardown: async ({ directory, storage, file }: Disk): Promise<void> => {
    await storage.close();
    await file.close();
    await rm(directory, { recursive: true });
  },
};

interface FailedRun extends Disk {
  readonly run: string;
}

async function failedMap(): Promise<FailedRun> {
  const disk = await onDisk.setup();
  const { id } = await failingMap(disk.storage).run();
  return { ...disk, run: id };
}

/** By another instance, which has nothing of the store in memory. */
async function resumeMap({ directory, run }: FailedRun): Promise<void> {
  await using storage = new FilesystemStorage(join(directory, 'store'));
  const { status } = await failingMap(storage).resume(run);
  if (status !== 'failed') throw new Error(`The run is ${status}.`);
}

const ran = 10_000;

interface History extends Disk {
  readonly pipeline: Pipeline;
}

/** One run is made as anyone makes it, and repeated with other ids and times, each noted as a beginning is. */
async function manyRuns(): Promise<History> {
  const disk = await onDisk.setup();
  const { storage } = disk;
  const pipeline = new Pipeline({ name: 'nightly', storage });
  const rows = pipeline.step('rows', {}, () => ({ rows: 3 }));
  pipeline.step('train', { needs: { rows } }, ({ inputs }) => inputs.rows.rows);
  const store = new RunStore(storage, 'nightly', systemClock);
  const template = (await readValue<{ readonly state: RunHead }>(storage, `${store.root}/runs/${(await pipeline.run()).id}`))!.value;
  for (let made = 1; made < ran; made += 1_000) {
    const heads = Array.from({ length: Math.min(1_000, ran - made) }, (_, i) => ({ ...template.state, id: newId(), startedAt: template.state.startedAt + (made + i) * 1_000 }));
    const puts = heads.flatMap((head) => [{ kind: 'put' as const, key: store.startKey(head), bytes: encode(null) }, { kind: 'put' as const, key: `${store.root}/runs/${head.id}`, bytes: encode({ ...template, state: head }) }]);
    await storage.write(puts);
  }
  await pipeline.searchRuns({ limit: 1 });
  return { ...disk, pipeline };
}

/** A page somewhere, and another one each time, so that nothing of it was read before. */
async function pageOfRuns({ pipeline }: { readonly pipeline: Pipeline }, page: { after?: string | undefined }): Promise<void> {
  const { items, next } = await pipeline.searchRuns({ limit: 20, after: page.after });
  if (items.length !== 20) throw new Error(`The page has ${items.length} runs.`);
  page.after = next;
}

/** The first page, by another instance, which has nothing of the store in memory. */
async function firstPageOfRuns({ directory }: Disk): Promise<void> {
  await using storage = new FilesystemStorage(join(directory, 'store'));
  await pageOfRuns({ pipeline: new Pipeline({ name: 'nightly', storage }) }, {});
}

/** What the disk takes for as many flushed writes of the size of a step's record, one after the other. */
async function rawFlushes({ file }: Disk): Promise<void> {
  const record = new Uint8Array(400);
  for (let i = 0; i < steps; i++) {
    await file.write(record);
    await file.datasync();
  }
}

/** As many as {@link runMap} makes of them, and of the size of the records that it writes together. */
async function rawFlushesOfItems({ file }: Disk): Promise<void> {
  const records = new Uint8Array(8 * 400);
  for (let i = 0; i < decided / 8; i++) {
    await file.write(records);
    await file.datasync();
  }
}

/** What a step costs beyond the flush that it waits for. */
function beyond(name: string, benchmark: Benchmark, milliseconds: number): Benchmark {
  return {
    name,
    async run(): Promise<Result> {
      const { value, baseline = 0, runs = 0 } = await benchmark.run();
      return { value: Math.max(0, value - baseline), unit: 'ms', runs, target: { atMost: milliseconds } };
    },
  };
}

const retry = retryPolicy(undefined, '');

/** Steps of which each comes after what `upstream` says. */
function specsOf(count: number, upstream: (i: number) => readonly string[]): StepSpec[] {
  return Array.from({ length: count }, (_, i) => ({ name: `s${i}`, upstream: upstream(i), retry, trigger: 'all_success', final: false, allowFailure: false }));
}

function planOf(upstream: (i: number) => readonly string[]): Plan {
  return planSteps(specsOf(decided, upstream));
}

/** Orders steps, and decides which of them begin. */
function beginPlan(specs: readonly StepSpec[]): void {
  const plan = planSteps(specs);
  const [, commands] = decide(plan, initialState(plan, 8), { type: 'started', at: 0 });
  if (commands.length === 0) throw new Error('No step begins.');
}

/** Decides with what a run goes on of which half had succeeded, one had failed, and one waits for its retry. */
function resumePlan(plan: Plan): void {
  const states = plan.steps.slice(0, decided / 2).map(({ name }): [string, StepState] => [name, { ...untouched, status: 'succeeded', attempts: 1, startedAt: 0, endedAt: 1 }]);
  const restored = new Map(states);
  restored.set(plan.steps[1]!.name, { ...untouched, status: 'failed', attempts: 1 });
  restored.set(plan.steps[2]!.name, { ...untouched, status: 'retrying', attempts: 1, retryAt: 5 });
  const [state, commands] = decide(plan, initialState(plan, 8, restored), { type: 'started', at: 2 });
  if (state.status !== 'running' || commands.length === 0) throw new Error('Nothing goes on.');
}

/** Up to four steps before each, anywhere among the earlier ones, the same each time. */
function someBefore(i: number): string[] {
  return Array.from({ length: Math.min(i, 4) }, (_, k) => `s${(i * (2 * k + 7919)) % i}`);
}

/** All decisions of a run whose steps end one by one, without doing anything about them. */
function decideAll(plan: Plan): void {
  let [state, commands] = decide(plan, initialState(plan, 8), { type: 'started', at: 0 });
  const running = commands.flatMap((command) => (command.type === 'execute' ? [command.step] : []));
  for (let step = running.shift(); step !== undefined; step = running.shift()) {
    [state, commands] = decide(plan, state, { type: 'attempt-succeeded', at: 1, step, attempt: 1, durationMs: 1 });
    for (const command of commands) if (command.type === 'execute') running.push(command.step);
  }
  if (state.status !== 'succeeded') throw new Error(`The run is ${state.status}.`);
}

/** A run of which only the beginning is measured; what it does behind that is waited for before the next. */
interface Beginning {
  storage: MemoryStorage;
  run: string;
  rest: Promise<unknown>;
}

/** A pipeline of so many steps side by side, of which the first to run tells that it does. */
function wide(storage: MemoryStorage, count: number, begins: () => void): Pipeline {
  const pipeline = new Pipeline({ name: 'wide', storage });
  for (let i = 0; i < count; i++) pipeline.step(`step-${i}`, {}, () => (begins(), i));
  return pipeline;
}

/** To the first step of a run that begins, or that is gone on with; then it is cancelled. */
function toFirstStep(beginning: Beginning, count: number, resumes: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const begins = (): void => {
      stop.abort();
      resolve();
    };
    const pipeline = wide(beginning.storage, count, begins);
    const options = { signal: stop.signal };
    beginning.rest = (resumes ? pipeline.resume(beginning.run, options) : pipeline.run(options)).catch(reject);
  });
}

const emptyStore = async (beginning: Beginning): Promise<void> => {
  await beginning.rest;
  beginning.storage = new MemoryStorage();
};

/** A run that has one step left to do. */
const allButOne = async (beginning: Beginning): Promise<void> => {
  await emptyStore(beginning);
  let begun = 0;
  const pipeline = wide(beginning.storage, decided, () => {
    if (++begun === decided) throw new Error('The last fails.');
  });
  beginning.run = (await pipeline.run()).id;
};

const notBegun = (): Beginning => ({ storage: new MemoryStorage(), run: '', rest: Promise.resolve() });

const somePlan = specsOf(5000, someBefore);
const chainPlan = planOf((i) => (i === 0 ? [] : [`s${i - 1}`]));
const fanPlan = planOf((i) => (i === 0 ? [] : i < decided - 1 ? ['s0'] : Array.from({ length: decided - 2 }, (_, at) => `s${at + 1}`)));

export const benchmarks: Benchmark[] = [
  // The first to be measured: what the compiler has not seen yet takes several times as long.
  measure('pipelines: a no-op step of 100 in a chain, in memory, in the first runs of a process', () => runChain(new MemoryStorage()), { operations: steps, runs: 21, warmup: 10 }),
  measure('pipelines: a no-op step of 100 in a chain, in memory', () => runChain(new MemoryStorage()), { operations: steps, runs: 201, warmup: 400, target: { atMost: 0.05 } }),
  compare('pipelines: a no-op step of 100 in a chain, flushed, against a bare write and flush', ({ storage }: Disk) => runChain(storage), rawFlushes, onDisk),
  beyond('pipelines: a no-op step of 100 in a chain, flushed, beyond the bare flush', compare('', ({ storage }: Disk) => runChain(storage), rawFlushes, onDisk), 1),
  measure('pipelines: a map of 10,000 no-op items, in memory', () => runMap(new MemoryStorage()), { runs: 3, warmup: 1 }),
  compare('pipelines: a map of 10,000 no-op items, flushed, against as many bare writes and flushes', ({ storage }: Disk) => runMap(storage), rawFlushesOfItems, { ...onDisk, operations: 1, runs: 3, warmup: 1, target: { atMost: 3000 } }),
  measure('pipelines: resume a run of 10,000 items of which one fails again, from a directory', resumeMap, { ...onDisk, setup: failedMap, operations: 1, runs: 5 }),
  measure('pipelines: a page of 20 of 10,000 runs, from the newest', (history: History & { readonly page: object }) => pageOfRuns(history, history.page), { ...onDisk, setup: async () => ({ ...(await manyRuns()), page: {} }), operations: 1, runs: 101, target: { atMost: 50 } }),
  measure('pipelines: a page of 20 of 10,000 runs, from the newest, with nothing of the store in memory', firstPageOfRuns, { ...onDisk, setup: manyRuns, operations: 1, runs: 7 }),
  measure('pipelines: run 5,000 steps until the first begins, in memory', (beginning: Beginning) => toFirstStep(beginning, 5000, false), { setup: notBegun, before: emptyStore, teardown: ({ rest }) => rest, runs: 7, warmup: 3 }),
  measure('pipelines: resume a run of 10,000 steps until the one that is left begins, in memory', (beginning: Beginning) => toFirstStep(beginning, decided, true), { setup: notBegun, before: allButOne, teardown: ({ rest }) => rest, runs: 5, warmup: 2 }),
  measure('pipelines: plan a graph of 5,000 steps and begin with it', () => beginPlan(somePlan), { target: { atMost: 50 } }),
  measure('pipelines: decide with what a run of 10,000 steps goes on', () => resumePlan(fanPlan), { target: { atMost: 200 } }),
  measure('pipelines: decide all of a run of 10,000 steps in a chain', () => decideAll(chainPlan), { target: { atMost: 200 } }),
  measure('pipelines: decide all of a run of 10,000 steps side by side between a first and a last', () => decideAll(fanPlan), { target: { atMost: 200 } }),
];
