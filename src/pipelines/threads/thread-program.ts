import { threadProgram, type ThreadProgram } from '../../core/threads/thread.ts';

const source = `
const streamed = ({ digest, size, port }) => {
  const waiting = new Map();
  let asked = 0;
  port.onmessage = ({ data: { id, stream } }) => (waiting.get(id)(stream), waiting.delete(id));
  const read = async function* ({ range } = {}) {
    const stream = await new Promise((resolve) => {
      waiting.set(++asked, resolve);
      port.postMessage({ id: asked, range });
    });
    const reader = stream.getReader();
    try {
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        if (piece.value.thrown) throw revived(piece.value.thrown);
        yield piece.value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  };
  return { digest, size, read, [Symbol.asyncIterator]: () => read() };
};
const place = (inputs, { path, ...stream }) => {
  const holder = path.length === 1 ? inputs : inputs[path[0]];
  Object.defineProperty(holder, path.at(-1), { value: streamed(stream), enumerable: true, writable: true, configurable: true });
};
const isStream = (value) => typeof value === 'object' && value !== null && (value instanceof Blob || Symbol.asyncIterator in value);
const piecesOf = async function* (blob) {
  const reader = blob.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
};
const send = (call, value) => new Promise((settle) => {
  const pieces = (value instanceof Blob ? piecesOf(value) : value)[Symbol.asyncIterator]();
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
  post({ type: 'stream', call, stream }, [stream]);
});
const logOf = (call) => {
  const line = (level) => (message) => post({ type: 'log', call, level, message: text(message) });
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
};
const heartbeatOf = (call) => (details) => post({ type: 'heartbeat', call, details });
const perform = async (message, signal) => {
  await ready;
  const { work, answer } = await load(message);
  if (answer) return answer;
  try {
    for (const stream of message.streams) place(message.context.inputs, stream);
    const value = await work({ ...message.context, log: logOf(message.call), heartbeat: heartbeatOf(message.call), signal, run: { ...message.run, signal } });
    return isStream(value) ? await send(message.call, value) : { type: 'value', value };
  } catch (thrown) {
    return { type: 'thrown', thrown: record(thrown) };
  }
};
let controller;
listen(async (message) => {
  if (message.type === 'abort') return controller?.abort(revived(message.reason));
  controller = new AbortController();
  const answer = await perform(message, controller.signal);
  try {
    post(answer);
  } catch (refusal) {
    post({ type: 'uncloneable', message: text(refusal?.message) });
  }
});
`;

/** The program of a thread that calls exports of modules, one at a time, each as long as it takes. */
export const callingProgram: ThreadProgram = /* @__PURE__ */ threadProgram(source);
