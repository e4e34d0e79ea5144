import type { SentStream } from './thread-streams.ts';
import type { StepAttempt, StepFacts } from '../../pipelines/step.ts';

/** What a thread is told. */
export type ToThread =
  | { readonly type: 'run'; readonly module: string; readonly name: string; readonly context: Omit<StepFacts<unknown, unknown>, 'signal' | 'run'>; readonly streams: readonly SentStream[]; readonly run: Omit<StepAttempt, 'signal'> }
  | { readonly type: 'abort'; readonly reason: ThrownRecord };

/** What a thread tells. */
export type FromThread =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'stream'; readonly stream: ReadableStream<Uint8Array | string> }
  | { readonly type: 'thrown'; readonly thrown: ThrownRecord }
  | { readonly type: 'uncloneable'; readonly message: string }
  | { readonly type: 'unloadable'; readonly thrown: ThrownRecord }
  | { readonly type: 'no-function'; readonly found: string };

/** What was thrown, as it can be sent: a structured clone of an error keeps neither its code nor the name of its class. */
export interface ThrownRecord {
  readonly error: boolean;
  readonly name?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  /** Of an error of this package, its facts. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

// A text, since a thread is begun with a file, and whoever bundles this package leaves none beside it.
const source = `
import { parentPort } from 'node:worker_threads';
const brand = Symbol.for('modelkeep.error');
const text = (value) => { try { return String(value); } catch { return 'what cannot be shown'; } };
const cloned = (value) => { try { return structuredClone(value); } catch { return {}; } };
const record = (thrown) => {
  if (!(thrown instanceof Error) && thrown?.[brand] !== true) return { error: false, message: text(thrown) };
  const { name, message, stack, code } = thrown;
  return { error: true, name: text(name), message: text(message), stack: text(stack), code: typeof code === 'string' ? code : undefined, details: thrown[brand] === true ? cloned(thrown.details) : undefined };
};
const revived = ({ error, name, message, code }) => (error ? Object.assign(new Error(message), { name }, code === undefined ? {} : { code }) : message);
const load = async ({ module, name }) => {
  let found;
  try {
    found = (await import(module))[name];
  } catch (thrown) {
    return { answer: { type: 'unloadable', thrown: record(thrown) } };
  }
  return typeof found === 'function' ? { work: found } : { answer: { type: 'no-function', found: found === undefined ? 'no such export' : found === null ? 'null' : 'a ' + typeof found } };
};
const streamed = ({ digest, size, port }) => {
  const waiting = new Map();
  let asked = 0;
  port.on('message', ({ id, stream }) => (waiting.get(id)(stream), waiting.delete(id)));
  const read = async function* ({ range } = {}) {
    const stream = await new Promise((resolve) => {
      waiting.set(++asked, resolve);
      port.postMessage({ id: asked, range });
    });
    yield* stream;
  };
  return { digest, size, read, [Symbol.asyncIterator]: () => read() };
};
const place = (inputs, { path, ...stream }) => {
  const holder = path.length === 1 ? inputs : inputs[path[0]];
  Object.defineProperty(holder, path.at(-1), { value: streamed(stream), enumerable: true, writable: true, configurable: true });
};
const isStream = (value) => typeof value === 'object' && value !== null && (value instanceof Blob || Symbol.asyncIterator in value);
const send = (value) => new Promise((settle) => {
  const pieces = (value instanceof Blob ? value.stream() : value)[Symbol.asyncIterator]();
  const pull = async (controller) => {
    try {
      const { done, value } = await pieces.next();
      if (!done) return controller.enqueue(value);
      controller.close();
      settle({ type: 'value' });
    } catch (thrown) {
      settle({ type: 'thrown', thrown: record(thrown) });
      controller.error(new Error(text(thrown?.message)));
    }
  };
  const cancel = async () => {
    try {
      await pieces.return?.();
    } finally {
      settle({ type: 'value' });
    }
  };
  const stream = new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
  parentPort.postMessage({ type: 'stream', stream }, [stream]);
});
const perform = async (message, signal) => {
  const { work, answer } = await load(message);
  if (answer) return answer;
  try {
    for (const stream of message.streams) place(message.context.inputs, stream);
    const value = await work({ ...message.context, signal, run: { ...message.run, signal } });
    return isStream(value) ? await send(value) : { type: 'value', value };
  } catch (thrown) {
    return { type: 'thrown', thrown: record(thrown) };
  }
};
let controller;
parentPort.on('message', async (message) => {
  if (message.type === 'abort') return controller?.abort(revived(message.reason));
  controller = new AbortController();
  const answer = await perform(message, controller.signal);
  try {
    parentPort.postMessage(answer);
  } catch (refusal) {
    parentPort.postMessage({ type: 'uncloneable', message: text(refusal?.message) });
  }
});
`;

/** The program of a thread that calls exports of modules, one at a time, each as long as it takes. */
export function threadProgram(): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
