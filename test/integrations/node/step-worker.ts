/** What tests call in a thread. */
import { threadId } from 'node:worker_threads';
import { isModelkeepError, ValidationError, type ItemFacts, type StepFacts, type StreamedOutput } from 'modelkeep';

type Context<Inputs = unknown, Params = unknown> = StepFacts<Inputs, Params>;

let calls = 0;

export function sum({ inputs, params }: Context<{ rows: Float64Array }, { scale: number }>): { sum: number; halves: Float32Array } {
  return { sum: inputs.rows.reduce((total, x) => total + x * params.scale, 0), halves: Float32Array.from(inputs.rows, (x) => x / 2) };
}

/** What it is given of an item, whose buffer is moved to it. */
export const fit = ({ item, index, inputs, params }: ItemFacts<{ rows: Float64Array }, { scale: number }, { weights: Float64Array }>): { index: number; loss: number } => ({ index, loss: inputs.rows.reduce((total, x, i) => total + x * item.weights[i]! * params.scale, 0) });

export const facts = async ({ run, signal, states }: Context): Promise<object> => ({ step: run.step, attempt: run.attempt, states: Object.keys(states), same: run.signal === signal, real: signal instanceof AbortSignal });

/** Passes a stream on, with its letters in upper case. */
export async function* louder({ inputs }: Context<{ text: StreamedOutput; parts: StreamedOutput[] }>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for (const source of [inputs.text, ...inputs.parts, inputs.text]) for await (const piece of source) yield decoder.decode(piece).toUpperCase();
  for await (const piece of inputs.text.read({ range: { start: 0, end: 1 } })) yield decoder.decode(piece);
}

/** What a reader of a damaged stream is told, in the thread. */
export const toldOfDamage = async ({ inputs }: Context<{ text: StreamedOutput }>): Promise<unknown> => {
  try {
    for await (const piece of inputs.text) if (piece.length === 0) break;
    return 'whole';
  } catch (error) {
    return { ours: isModelkeepError(error, 'integrity'), name: (error as Error).name, key: (error as { details?: { key?: unknown } }).details?.key };
  }
};

/** Throws amid its stream. */
export async function* breaksOff(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(3);
  await Promise.resolve();
  throw new ValidationError('the source is no more', { path: 'source' });
}

/** Leaves amid its stream. */
export async function* leavesAmid(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(3);
  await Promise.resolve();
  process.exit(9);
}

/** Never ends, and tells who has stopped reading it. */
export async function* endless({ inputs }: Context<{ gate: SharedArrayBuffer }>): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield new Uint8Array(1024);
  } finally {
    begun(inputs.gate);
  }
}

export const thread = (): { thread: number; calls: number } => ({ thread: threadId, calls: ++calls });

/** Logs, and once more when it has ended. */
export const speaks = ({ log }: Context): void => {
  log.info('epoch 1');
  log.warn('3 rows have no label');
  log.error({} as string);
  log.debug('done');
  setImmediate(() => log.info('too late'));
};

/** Ends some turns of the event loop later. */
export const patientTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

export const threadName = 'not a function';

/** Ends when its signal fires, and tells what it fired with. */
export const patient = ({ signal, inputs }: Context<{ gate: SharedArrayBuffer }>): Promise<never> => {
  begun(inputs.gate);
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error(`heard: ${(signal.reason as Error).message}`))));
};

/** Never ends, and never listens. */
export const deaf = ({ inputs }: Context<{ gate: SharedArrayBuffer }>): never => {
  begun(inputs.gate);
  for (;;);
};

/** Ends when the gate is opened a second time, having blocked its thread until then. */
export const blocking = ({ inputs }: Context<{ gate: SharedArrayBuffer }>): number => {
  begun(inputs.gate);
  Atomics.wait(new Int32Array(inputs.gate), 0, 1);
  return threadId;
};

function begun(gate: SharedArrayBuffer): void {
  const cell = new Int32Array(gate);
  Atomics.store(cell, 0, 1);
  Atomics.notify(cell, 0);
}

export const leaves = (): never => process.exit(7);

export const crashesLater = (): Promise<never> => {
  setImmediate(() => {
    throw new RangeError('in a timer');
  });
  return new Promise(() => undefined);
};

export const leavesCrash = (): void => void setImmediate(() => {
  throw new Error('after the end');
});

export const rejectsUnseen = (): Promise<never> => {
  void Promise.reject(new Error('nobody looked'));
  return new Promise(() => undefined);
};

export const hoards = (): number => {
  const held: object[] = [];
  for (;;) held.push(Array.from({ length: 1_000 }, (_, i) => ({ i })));
};

export const throwsText = (): never => {
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  throw 'boom';
};

export const throwsCoded = (): never => {
  throw Object.assign(new TypeError('no such host'), { code: 'ENOTFOUND' });
};

export const throwsOurs = (): never => {
  throw new ValidationError('rows[3] is wrong.', { path: 'rows[3]' });
};

export const givesFunction = (): unknown => ({ model: () => 1 });

export default function tenfold({ inputs }: Context<{ x: number }>): Promise<number> {
  return Promise.resolve(inputs.x * 10);
}

/** Tells how far it is, without ever letting go of its thread until it has come to an end. */
export const counts = ({ lastHeartbeat, heartbeat }: Context): number => {
  const from = (lastHeartbeat as { row: number } | undefined)?.row ?? 0;
  for (let row = from; row < from + 3; row++) heartbeat({ row: row + 1 });
  if (from === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return from;
};

/** Says what cannot be kept, and goes on. */
export const says = async ({ inputs, heartbeat, signal }: Context<{ details: unknown }>): Promise<unknown> => {
  heartbeat(inputs.details);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return 'went on';
};
