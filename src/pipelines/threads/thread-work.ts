import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError, NotFoundError, ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { ThreadEnd } from '../../core/threads/thread.ts';
import { revivedError, thrownRecord, type ThrownRecord } from '../../core/threads/thrown-record.ts';
import type { StepContext, StepFacts } from '../step.ts';
import { heartbeatsOf } from './thread-heartbeats.ts';
import type { SentItem, ThreadAnswer } from './thread-messages.ts';
import { ThreadPool, type WorkerPool } from './thread-pool.ts';
import { receive, sendInputs } from './thread-streams.ts';

/** What a function wants under a name. */
type Wanted<Context, Name extends string> = Context extends Readonly<Record<Name, infer Value>> ? Value : unknown;

/** What a function wants of the item that its step is at; nothing when it wants none. */
type WantedItem<Context> = Pick<Context, Extract<keyof Context, 'item' | 'index'>>;

/** What a function is given that a thread calls: inputs, params and the item as it takes them, and all else of what a step is given, but for `track`. */
export type WorkerFacts<Work> = Work extends (context: infer Context) => unknown ? StepFacts<Wanted<Context, 'inputs'>, Wanted<Context, 'params'>> & WantedItem<Context> : never;

/** The work of a step for the type of the function that a thread calls: what that takes, and what it gives. The work of an item, in a map, when the function takes `item` or `index`. */
export type WorkerWork<Work> = Work extends (context: infer Context) => infer Output ? (context: StepContext<Wanted<Context, 'inputs'>, Wanted<Context, 'params'>> & WantedItem<Context>) => Promise<Awaited<Output>> : never;

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

/** The work of a step that is done in a thread by a function that a module exports. */
export function threadWork<Work>(module: URL, options: WorkerOptions, ownPool: () => ThreadPool): WorkerWork<Work> {
  const { export: name = 'default', grace, pool = ownPool() } = check(schema, options, 'options');
  const graceMs = durationMs(grace ?? '3s', 'options.grace');
  if (!(module instanceof URL)) throw new ValidationError(`The module is ${shown(module)}; give a URL, such as new URL('./train.js', import.meta.url).`, { path: 'module' });
  const { href } = module;
  const work: (context: StepContext<unknown, unknown> & Partial<SentItem>) => Promise<unknown> = async ({ inputs, params, states, signal: outer, run, log, heartbeat, lastHeartbeat, ...of }) => {
    const { signal: _, ...facts } = run;
    const { signal, onHeartbeat, assertSound } = heartbeatsOf(heartbeat, outer);
    const item = 'item' in of ? { item: of.item, index: of.index! } : undefined;
    const sent = sendInputs(inputs);
    let onStream!: (stream: ReadableStream<Uint8Array | string>) => void;
    const streaming = new Promise<ReadableStream<Uint8Array | string>>((resolve) => (onStream = resolve));
    const answered = pool.call({
      message: { type: 'run', module: href, name, context: { inputs: sent.inputs, params, states, lastHeartbeat, ...item }, streams: sent.streams, run: facts },
      transfer: [...wholeBuffers([sent.inputs, item]), ...sent.streams.map(({ port }) => port)],
      signal,
      graceMs,
      onLine: ({ level, message }) => log[level](message),
      onHeartbeat,
      onStream,
      reason: () => thrownRecord(signal.reason),
    });
    const ended = answered.then((answer) => assertSound(answer)).then((answer) => valueOf(answer, { module: briefly(href), export: name, step: run.step })).finally(sent.close);
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

function valueOf(answer: ThreadAnswer | ThreadEnd, place: Place): unknown {
  const where = `'${place.export}' of ${place.module}, the work of step '${place.step}',`;
  switch (answer.type) {
    case 'value':
      return answer.value;
    case 'thrown':
      throw revivedError(answer.thrown, where, { ...place });
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

function unloadable(thrown: ThrownRecord, where: string, place: Place): ModelkeepError {
  const cause = Object.assign(new Error(thrown.message), { name: thrown.name ?? 'Error' });
  const message = `${where} cannot be called, for its module does not load: ${thrown.message}`;
  return thrown.code === 'ERR_MODULE_NOT_FOUND' ? new NotFoundError(message, { key: place.module, ...place, cause }) : new ModelkeepError('worker-failed', message, { ...place, cause });
}

function endedEarly({ why, exitCode, cause }: ThreadEnd, where: string, place: Place): ModelkeepError {
  const details = { ...place, ...(exitCode !== undefined && { exitCode }), ...(cause !== undefined && { cause }) };
  return new ModelkeepError('worker-failed', `${where} ${why ?? 'was ended with its thread.'}`, details);
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
