import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError, NotFoundError, ValidationError, type ErrorCode } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { StepFacts } from '../../pipelines/step.ts';
import type { StepWork } from '../../pipelines/step-work.ts';
import type { ThrownRecord } from './thread-program.ts';
import { receive, sendInputs } from './thread-streams.ts';
import { ThreadPool, type ThreadAnswer, type ThreadEnd, type WorkerPool } from './worker-pool.ts';

/** The work of a step for the type of the function that a thread calls: what that takes, and what it gives. */
export type WorkerWork<Work> = Work extends (context: StepFacts<infer Inputs, infer Params>) => infer Output ? StepWork<Inputs, Params, Awaited<Output>> : never;

/** How a function is called in a thread. */
export interface WorkerOptions {
  /** The name under which the module exports it. @default 'default' */
  readonly export?: string | undefined;
  /** The threads that it shares with other steps. @default a pool of its own, as large as the host runs threads at once */
  readonly pool?: WorkerPool | undefined;
  /** How long it may take to end when its signal has fired, before its thread is ended. @default '3s' */
  readonly grace?: Duration | undefined;
}

const schema = z.strictObject({
  export: z.optional(z.string().check(z.minLength(1))),
  pool: z.optional(z.custom<ThreadPool>((value) => value instanceof ThreadPool, 'must be what workerPool() gives')),
  grace: z.optional(z.custom<Duration>()),
});

/**
 * The work of a step that is done in a worker thread by a function that a module exports, so that what computes for long holds up neither this process nor the sign of life of its run. The function is given the inputs, params, states, run and signal of the step, but neither
 * `log` nor `track`; its signal fires there as it does here. Inputs, params and output travel as structured clones, but for the buffers of typed arrays among the inputs, which are moved: after the call, the inputs are empty here; and for streams, which are read piece by piece as they are asked for. When the step is cancelled or times out and the
 * function does not end within `grace`, its thread is ended, even in the middle of a loop. Threads are used again, so the module is loaded once in each.
 *
 * What the function throws fails the step as if it had been thrown here: its message, name, stack and `code` are kept. A step fails with a `ModelkeepError` of code `worker-failed`, whose details have `module`, `export` and `step`, when the thread ends before
 * the function does (`exitCode`, or `cause` for an uncaught error or too little memory), or it throws something that is no error; with `NotFoundError` when there is no such module, and with `ValidationError` when that exports no such function, or the
 * function returns what cannot be cloned.
 *
 * @typeParam Work - The type of the function, from which the step has its types.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { worker } from 'modelkeep/node';
 *
 * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
 * const rows = pipeline.step('ingest', {}, () => new Float64Array([1, 2, 6]));
 * // In a program: new URL('./train.js', import.meta.url), with `typeof import('./train.js').default` as the type.
 * const module = new URL('data:text/javascript,export default ({ inputs }) => inputs.rows.reduce((sum, y) => sum + y, 0);');
 * const train = worker<(context: { inputs: { rows: Float64Array } }) => number>(module);
 * const sum = pipeline.step('train', { needs: { rows }, timeout: '2h' }, train);
 * console.log((await pipeline.run()).output(sum)); // 9
 * ```
 */
export function worker<Work extends (context: never) => unknown = (context: StepFacts<unknown, unknown>) => unknown>(module: URL, options: WorkerOptions = {}): WorkerWork<Work> {
  const { export: name = 'default', grace, pool = new ThreadPool() } = check(schema, options, 'options');
  const graceMs = durationMs(grace ?? '3s', 'options.grace');
  if (!(module instanceof URL)) throw new ValidationError(`The module is ${shown(module)}; give a URL, such as new URL('./train.js', import.meta.url).`, { path: 'module' });
  const { href } = module;
  const work: StepWork<unknown, unknown, unknown> = async (context) => {
    const { inputs, params, states, signal, run } = context;
    const { signal: _, ...facts } = run;
    const reason = (): ThrownRecord => ({ error: true, ...describeFailure(signal.reason) });
    const sent = sendInputs(inputs);
    const message = { type: 'run', module: href, name, context: { inputs: sent.inputs, params, states }, streams: sent.streams, run: facts } as const;
    const transfer = [...wholeBuffers(sent.inputs), ...sent.streams.map(({ port }) => port)];
    let onStream!: (stream: ReadableStream<Uint8Array | string>) => void;
    const streaming = new Promise<ReadableStream<Uint8Array | string>>((resolve) => (onStream = resolve));
    const answered = pool.call({ message, transfer, onStream, signal, graceMs, reason });
    const ended = answered.then((answer) => valueOf(answer, { module: briefly(href), export: name, step: run.step })).finally(sent.close);
    return Promise.race([ended, streaming.then((stream) => receive(stream, ended))]);
  };
  return work as WorkerWork<Work>;
}

/** What a failure names. */
interface Place {
  readonly module: string;
  readonly export: string;
  readonly step: string;
}

function valueOf(answer: ThreadAnswer, place: Place): unknown {
  const where = `'${place.export}' of ${place.module}, the work of step '${place.step}',`;
  switch (answer.type) {
    case 'value':
      return answer.value;
    case 'thrown':
      throw revived(answer.thrown, where, place);
    case 'uncloneable':
      throw new ValidationError(`${where} returned what cannot be sent from its thread: ${answer.message} Return plain data, bytes or typed arrays.`, { path: 'output', ...place });
    case 'no-function':
      throw new ValidationError(`${where} is ${answer.found}; the module must export a function under that name.`, { path: 'options.export', ...place });
    case 'unloadable':
      throw unloadable(answer.thrown, where, place);
    case 'ended':
      throw endedEarly(answer, where, place);
  }
}

function revived({ error, name, message, stack, code, details }: ThrownRecord, where: string, place: Place): Error {
  if (!error) return new ModelkeepError('worker-failed', `${where} threw ${shown(message)}, which is no error; throw an Error.`, { ...place });
  // A code of this package, which is what its errors are made of.
  const made = details ? new ModelkeepError(code as ErrorCode, message, details) : Object.assign(new Error(message), code === undefined ? {} : { code });
  return Object.assign(made, { name: name ?? 'Error' }, stack === undefined ? {} : { stack });
}

function unloadable(thrown: ThrownRecord, where: string, place: Place): ModelkeepError {
  const cause = Object.assign(new Error(thrown.message), { name: thrown.name ?? 'Error' });
  const message = `${where} cannot be called, for its module does not load: ${thrown.message}`;
  return thrown.code === 'ERR_MODULE_NOT_FOUND' ? new NotFoundError(message, { key: place.module, ...place, cause }) : new ModelkeepError('worker-failed', message, { ...place, cause });
}

function endedEarly({ error, exitCode }: ThreadEnd, where: string, place: Place): ModelkeepError {
  if (error === undefined) return new ModelkeepError('worker-failed', `${where} ended its thread with exit code ${exitCode}; return or throw instead of leaving the process.`, { ...place, exitCode });
  const { message, code } = describeFailure(error);
  const why = code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'needed more memory than its thread may have; raise resourceLimits of the pool, or hold less' : `ended its thread with an error that nothing caught: ${message}`;
  return new ModelkeepError('worker-failed', `${where} ${why}`, { ...place, cause: error });
}

/** The buffers of the typed arrays in a tree, but for those that a view shares with others, which may be in use elsewhere. */
function wholeBuffers(tree: unknown): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteLength } = value;
      if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffers.add(buffer);
    } else if (Array.isArray(value)) for (const item of value as unknown[]) visit(item);
    else for (const item of Object.values(value)) visit(item);
  };
  visit(tree);
  return [...buffers];
}

/** A module of a `data:` URL is not quoted whole. */
function briefly(href: string): string {
  return href.length > 200 ? `${href.slice(0, 200)}…` : href;
}
