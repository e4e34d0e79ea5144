import { isModelkeepError } from 'modelkeep';
import { workerPredictor } from 'modelkeep/browser';

const module = new URL('/model.js', location.href);
const live = { signal: new AbortController().signal };

/** What a model in a Web Worker answers, and whether what it was sent is still here. */
export async function answers(): Promise<{ output: unknown; batch: unknown; bytes: number | undefined; kept: number }> {
  const model = await workerPredictor<Float32Array, Float32Array>(module, { argument: { factor: 3 } });
  const input = new Float32Array([1, 2]);
  const output = await model.predict!(input, live);
  const [first, second] = await model.predictBatch!([input, new Float32Array()], live);
  await model.dispose();
  return { output, batch: [first, (second as Error).message], bytes: model.bytes, kept: input.length };
}

/** What becomes of a call that never ends, of one beside it, and of one that comes after; and how often the page went on meanwhile. */
export async function recycles(): Promise<{ codes: (string | undefined)[]; next: unknown; warm: unknown; turns: number }> {
  const model = await workerPredictor<unknown, unknown>(module, { export: 'stubborn', grace: 50 });
  await model.warmUp!(live);
  const controller = new AbortController();
  let turns = 0;
  const turning = setInterval(() => turns++, 5);
  const calls = [model.predict!('spin', controller), model.predict!('x', live)];
  setTimeout(() => controller.abort(), 50);
  const outcomes = await Promise.allSettled(calls);
  clearInterval(turning);
  const [next, warm] = [await model.predict!('x', live), await model.predict!('warm?', live)];
  await model.dispose();
  return { codes: outcomes.map((outcome) => (outcome.status === 'rejected' && isModelkeepError(outcome.reason) ? outcome.reason.code : undefined)), next, warm, turns };
}

/** The code of what a module without a model is refused with. */
export async function refusal(name: string): Promise<string | undefined> {
  try {
    await workerPredictor(module, { export: name });
    return undefined;
  } catch (error) {
    return isModelkeepError(error) ? error.code : String(error);
  }
}
