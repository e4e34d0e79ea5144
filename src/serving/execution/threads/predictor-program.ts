import { threadProgram, type ThreadProgram } from '../../../core/threads/thread.ts';
import type { ThrownRecord } from '../../../core/threads/thrown-record.ts';

/** What a thread with a model is told. */
export type ToPredictor =
  | { readonly type: 'load'; readonly module: string; readonly name: string; readonly argument: unknown; readonly moveOutputs: boolean }
  | { readonly type: 'call'; readonly call: number; readonly method: 'predict' | 'predictBatch' | 'warmUp'; readonly input: unknown }
  | { readonly type: 'abort'; readonly call: number }
  | { readonly type: 'dispose' };

/** What the thread says of its model when it is loaded. */
export interface LoadedPredictor {
  readonly type: 'loaded';
  readonly predict: boolean;
  readonly predictBatch: boolean;
  readonly warmUp: boolean;
  readonly bytes: number | undefined;
}

/** Why there is no model. */
export type NotLoaded =
  | { readonly type: 'unloadable'; readonly thrown: ThrownRecord }
  | { readonly type: 'no-function'; readonly found: string }
  | { readonly type: 'load-failed'; readonly thrown: ThrownRecord }
  | { readonly type: 'no-predictor'; readonly found: string };

/** What a call comes to; of a batch, `errors` has what stands in the places of outputs that there are none of. */
export type PredictorAnswer =
  | { readonly type: 'output'; readonly call: number; readonly output: unknown; readonly errors: readonly (readonly [index: number, thrown: ThrownRecord])[] }
  | { readonly type: 'thrown'; readonly call: number; readonly thrown: ThrownRecord }
  | { readonly type: 'uncloneable'; readonly call: number; readonly message: string };

/** What is heard of a thread with a model. */
export type FromPredictor = LoadedPredictor | NotLoaded | PredictorAnswer | { readonly type: 'disposed'; readonly thrown?: ThrownRecord };

const source = `
let predictor;
let moves;
const calls = new Map();
const kind = (value) => value === undefined ? 'nothing' : value === null ? 'null' : 'a ' + typeof value + ' without predict and predictBatch';
const loadModel = async (message) => {
  await ready;
  const { work, answer } = await load(message);
  if (answer) return answer;
  let made;
  try {
    made = await work(message.argument);
  } catch (thrown) {
    return { type: 'load-failed', thrown: record(thrown) };
  }
  predictor = typeof made === 'function' ? { predict: made } : made;
  moves = message.moveOutputs;
  const has = (name) => typeof predictor?.[name] === 'function';
  if (!has('predict') && !has('predictBatch')) return { type: 'no-predictor', found: kind(made) };
  return { type: 'loaded', predict: has('predict'), predictBatch: has('predictBatch'), warmUp: has('warmUp'), bytes: typeof predictor.bytes === 'number' ? predictor.bytes : undefined };
};
const wholeBuffers = (tree) => {
  const buffers = new Set();
  const visit = (value) => {
    if (typeof value !== 'object' || value === null) return;
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) buffers.add(value.buffer);
    } else for (const item of Object.values(value)) visit(item);
  };
  visit(tree);
  return [...buffers];
};
const perform = async ({ call, method, input }) => {
  const controller = new AbortController();
  calls.set(call, controller);
  try {
    const context = { signal: controller.signal };
    if (method === 'warmUp') return await predictor.warmUp(context), { type: 'output', call, output: undefined, errors: [] };
    const output = await predictor[method](input, context);
    if (method === 'predict') return output instanceof Error ? { type: 'thrown', call, thrown: record(output) } : { type: 'output', call, output, errors: [] };
    if (!Array.isArray(output)) return { type: 'output', call, output, errors: [] };
    const errors = [];
    const outputs = output.map((item, i) => item instanceof Error ? (errors.push([i, record(item)]), undefined) : item);
    return { type: 'output', call, output: outputs, errors };
  } catch (thrown) {
    return { type: 'thrown', call, thrown: record(thrown) };
  } finally {
    calls.delete(call);
  }
};
const dispose = async () => {
  try {
    await predictor?.dispose?.();
    return { type: 'disposed' };
  } catch (thrown) {
    return { type: 'disposed', thrown: record(thrown) };
  }
};
listen(async (message) => {
  if (message.type === 'abort') return calls.get(message.call)?.abort(new DOMException('Nobody waits for the answer any longer.', 'AbortError'));
  const answer = message.type === 'load' ? await loadModel(message) : message.type === 'dispose' ? await dispose() : await perform(message);
  try {
    post(answer, moves && answer.type === 'output' ? wholeBuffers(answer.output) : []);
  } catch (refusal) {
    post({ type: 'uncloneable', call: message.call, message: text(refusal?.message) });
  }
});
`;

/** The program of a thread that has a model: it loads it, and answers what the model is asked, as many calls at once as come. */
export const predictorProgram: ThreadProgram = /* @__PURE__ */ threadProgram(source);
