import { isModelkeepError, MemoryStorage, Pipeline, type PipelineEvent, type StepAttempt, type StepContext, type StepItems, type StreamedOutput } from 'modelkeep';
import { worker, workerPool } from 'modelkeep/browser';

const module = new URL('/work.js', location.href);

/** A failure as a test compares it. */
export interface Told {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly ours: boolean;
}

function told(error: unknown): Told {
  const { name, message, code } = error as Error & { code?: string };
  return { name, message, code, ours: isModelkeepError(error) };
}

function context(inputs: unknown, signal: AbortSignal, onLine: (text: string) => void): StepContext<never, never> {
  const run: StepAttempt = { id: 'one', pipeline: 'nightly', step: 'train', attempt: 1, key: 'one/train', signal };
  const log = { debug: onLine, info: onLine, warn: onLine, error: onLine };
  return { inputs: inputs as never, params: {} as never, signal, states: {}, log, heartbeat: () => undefined, lastHeartbeat: undefined, track: () => Promise.reject(new Error('no tracker')), run };
}

/** A run whose step is done in a worker: what it put out, the lines of its log, and whether the inputs that were sent are empty here. */
export async function runs(): Promise<{ status: string; output: unknown; lines: readonly string[] }> {
  await using pool = workerPool({ size: 1 });
  const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
  const rows = pipeline.step('rows', {}, () => new Float64Array([1, 2, 6]));
  const sum = pipeline.step('sum', { needs: { rows } }, worker<(context: { inputs: { rows: Float64Array } }) => { sum: number; halves: Float32Array; inPage: boolean }>(module, { export: 'sum', pool }));
  const result = await pipeline.run();
  const lines = await pipeline.listLogs(result.id, { step: 'sum' });
  return { status: result.status, output: result.output(sum), lines: lines.items.map(({ level, text }) => `${level} ${text}`) };
}

/** A run in which a worker reads what another step put out as a stream, and puts out a stream itself: what is read of that. */
export async function streams(): Promise<{ status: string; text: string }> {
  await using pool = workerPool({ size: 1 });
  const pipeline = new Pipeline({ name: 'streaming', storage: new MemoryStorage() });
  const words = pipeline.step('words', {}, () => new Blob(['ready ', 'steady']).stream());
  const loud = pipeline.step('loud', { needs: { words } }, worker<(context: { inputs: { words: StreamedOutput } }) => AsyncIterable<string>>(module, { export: 'louder', pool }));
  const result = await pipeline.run();
  let text = '';
  for await (const piece of result.output(loud)) text += new TextDecoder().decode(piece);
  return { status: result.status, text };
}

/** A point of a grid. */
interface Point {
  readonly depth: number;
  readonly weights: Float64Array;
}

interface Fitted {
  readonly index: number;
  readonly key: string;
  readonly weights: Float64Array;
  readonly inPage: boolean;
}

/** A run that trains each point of a grid in a worker: what came of it, which attempts failed, what each item said, and how long the arrays of the grid are here when all were sent. */
export async function trainsGrid(): Promise<{ status: string; outputs: readonly Fitted[]; counts: StepItems | undefined; attempts: readonly string[]; lines: readonly string[]; sent: readonly number[] }> {
  await using pool = workerPool({ size: 2 });
  const pipeline = new Pipeline({ name: 'grid', storage: new MemoryStorage() });
  const rows = pipeline.step('rows', {}, () => new Float64Array([10, 20, 30, 40]));
  const grid = pipeline.step('grid', {}, (): Point[] => [[2, [1, 2]], [-3, [1, 2]], [4, [2]], [8, []]].map(([depth, weights]) => ({ depth: depth as number, weights: Float64Array.from(weights as number[]) })));
  const fit = worker<(context: { inputs: { rows: Float64Array }; item: Point; index: number }) => Fitted>(module, { export: 'fit', pool });
  const models = pipeline.map('train', { needs: { rows, grid }, over: ({ inputs }) => inputs.grid, concurrency: 2, retries: { limit: 1, backoff: 0 } }, fit);
  const events: PipelineEvent[] = [];
  const result = await pipeline.run({ onEvent: (event) => events.push(event) });
  const lines: string[] = [];
  for (let item = 0; item < 4; item++) lines.push(...(await pipeline.listLogs(result.id, { step: 'train', item })).items.map(({ text }) => text));
  const attempts = events.flatMap((event) => (event.type === 'step-retrying' ? [`${event.step} ${event.index} ${event.failure.message}`] : []));
  return { status: result.status, outputs: result.output(models), counts: result.steps['train']!.items, attempts, lines, sent: result.output(grid).map(({ weights }) => weights.length) };
}

/** Calls exports one after the other in a pool of one: what each came to, and how often the module of its worker had been called. */
export async function fails({ names, from = module.href }: { names: readonly string[]; from?: string }): Promise<{ failures: Told[]; calls: unknown; threads: number }> {
  await using pool = workerPool({ size: 1 });
  const failures: Told[] = [];
  const { signal } = new AbortController();
  for (const name of names) {
    await worker(new URL(from), { export: name, pool })(context({}, signal, () => undefined)).then(
      () => failures.push({ name: 'none', message: '', ours: false }),
      (error: unknown) => failures.push(told(error)),
    );
  }
  return { failures, calls: await worker(module, { export: 'calls', pool })(context({}, signal, () => undefined)), threads: pool.threads };
}

/** Stops a function once it has begun; one that listens says so. */
export async function stops(name: string): Promise<{ failure: Told; threads: number }> {
  await using pool = workerPool({ size: 1 });
  const stop = new AbortController();
  const running = worker(module, { export: name, pool, grace: name === 'deaf' ? 0 : '1m' })(context({}, stop.signal, () => stop.abort(new Error('enough'))));
  const failure = await running.then(() => Promise.reject(new Error('it ended')), told);
  return { failure, threads: pool.threads };
}

/** The failure of a step in whose time its worker never answers. */
export async function timesOut(): Promise<{ code: string | undefined; threads: number }> {
  await using pool = workerPool({ size: 1 });
  const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
  pipeline.step('hang', { timeout: '200ms' }, worker(module, { export: 'deaf', pool, grace: 0 }));
  const { steps } = await pipeline.run();
  return { code: steps['hang']!.failure?.code, threads: pool.threads };
}

/** What becomes of a step when its pool is closed under it. */
export async function closes(): Promise<Told> {
  const pool = workerPool({ size: 1 });
  return worker(module, { export: 'deaf', pool })(context({}, new AbortController().signal, () => void pool.close())).then(() => told(new Error('it ended')), told);
}

/** The failure of a step that is to be done in a worker, and how the step after it, which is not, came out. */
export async function isRefused(): Promise<{ failure: { readonly code?: string | undefined; readonly message: string } | undefined; next: string | undefined; threads: number }> {
  await using pool = workerPool({ size: 1 });
  const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
  const sum = pipeline.step('sum', { retries: { limit: 1, backoff: 0 } }, worker(module, { export: 'sum', pool }));
  pipeline.step('here', { after: [sum], trigger: 'all_done' }, () => 'done');
  const { steps } = await pipeline.run();
  return { failure: steps['sum']!.failure, next: steps['here']!.status, threads: pool.threads };
}
