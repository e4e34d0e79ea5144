import { isModelkeepError, Pipeline, type PipelineKeeper, type StepHandle, type StepWorker } from 'modelkeep';
import { IndexedDBStorage } from 'modelkeep/indexeddb';

/** Tells the test that a step has begun here, and ends when the test lets it. */
declare function gate(unit: string): Promise<void>;

const hourMs = 3_600_000;
let ahead = 0;
const clock = {
  now: () => Date.now() + ahead,
  monotonic: () => performance.now(),
  setTimer: (callback: () => void, ms: number) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Has the clock of this page go ahead of what it is. */
export function setAhead(ms: number): void {
  ahead = ms;
}

function define({ store, executor }: Shared): { pipeline: Pipeline; total: StepHandle<number> } {
  const pipeline = new Pipeline({ name: 'nightly', storage: new IndexedDBStorage(store), clock, executor, ...(executor && { lease: '1s' }) });
  const rows = pipeline.step('ingest', {}, async () => {
    await gate('ingest');
    return new Float64Array([1, 2, 3, 4]);
  });
  const squares = pipeline.map('square', { needs: { rows }, over: ({ inputs }) => [...inputs.rows], concurrency: 2 }, async ({ item, index }) => {
    await gate(`square ${index}`);
    return item * item;
  });
  const total = pipeline.step('total', { needs: { squares } }, async ({ inputs }) => {
    await gate('total');
    return inputs.squares.reduce((sum, square) => sum + square, 0);
  });
  return { pipeline, total };
}

/** Which database the tabs share, and who makes the attempts. */
export interface Shared {
  readonly store: string;
  readonly executor?: 'workers';
}

/** What a run came to, or the code of what stood in its way. */
export interface Told {
  readonly status: string;
  readonly output?: number | undefined;
}

export async function runs(shared: Shared): Promise<Told> {
  const { pipeline, total } = define(shared);
  const result = await pipeline.run();
  return { status: result.status, output: result.output(total) };
}

/** Goes on with the only run that there is. */
export async function resumes(shared: Shared): Promise<Told> {
  const { pipeline, total } = define(shared);
  const ids: string[] = [];
  for await (const { id } of pipeline.runs()) ids.push(id);
  if (ids.length !== 1) throw new Error(`there are ${ids.length} runs`);
  try {
    const result = await pipeline.resume(ids[0]!);
    return { status: result.status, output: result.output(total) };
  } catch (error) {
    if (isModelkeepError(error)) return { status: error.code };
    throw error;
  }
}

let worker: StepWorker | undefined;

/** Makes attempts here from now on, one at a time. */
export function works(shared: Shared): void {
  worker ??= define(shared).pipeline.work({ concurrency: 1 });
}

/** The keys below a prefix that the database holds. */
export async function keys({ store, prefix }: { store: string; prefix: string }): Promise<readonly string[]> {
  return (await new IndexedDBStorage(store).list({ prefix })).entries.map(({ key }) => key);
}

let kept: { pipeline: Pipeline; keeper: PipelineKeeper; start: number } | undefined;

/** Keeps a schedule that makes up for each of so many hours from a moment on. */
export async function keeps({ store, start, hours }: { store: string; start: number; hours: number }): Promise<void> {
  const pipeline: Pipeline = new Pipeline({ name: 'hourly', storage: new IndexedDBStorage(store), clock });
  pipeline.step('work', {}, async ({ run }) => gate(String(((await pipeline.getRun(run.id)).interval!.end - start) / hourMs)));
  await pipeline.schedule({ name: 'hourly', every: '1h', start, end: start + hours * hourMs, catchup: true });
  kept = { pipeline, keeper: pipeline.start({ interval: '100ms' }), start };
}

/** Resolves when nothing that is due is left to do here. */
export function idle(): Promise<void> {
  return kept!.keeper.idle();
}

/** The hours that have a run, and how each ended, in order. */
export async function hours(): Promise<readonly string[]> {
  const { pipeline, start } = kept!;
  const runs: [number, string][] = [];
  for await (const { interval, status } of pipeline.runs()) runs.push([(interval!.end - start) / hourMs, status]);
  return runs.sort(([a], [b]) => a - b).map(([hour, status]) => `${hour} ${status}`);
}
