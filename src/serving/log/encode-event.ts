import { canonicalJson } from '../../core/codec.ts';
import { describeFailure } from '../../core/failure.ts';
import type { ServedOutcome } from '../prediction.ts';
import type { PredictionLogSettings } from './log-options.ts';
import type { StoredFeedback, StoredPrediction } from './logged-prediction.ts';

/** The text of a value that a record can hold, with arrays in the places of arrays of numbers; `undefined` when it is too large. Throws for what no record can hold. */
function textOf(value: unknown, maxBytes: number): string | undefined {
  if (isLarger(value, maxBytes)) return undefined;
  const text = canonicalJson(plain(value, 0));
  return text.length <= maxBytes ? text : undefined;
}

// The codec refuses what is nested deeper.
const deepest = 500;

/** The same with arrays in the places of typed arrays, which the codec does not know. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > deepest) return value;
  if (ArrayBuffer.isView(value)) return value instanceof Uint8Array || value instanceof DataView ? value : Array.from(value as unknown as ArrayLike<number>);
  if (Array.isArray(value)) return value.some(mayHoldView) ? value.map((item) => plain(item, depth + 1)) : value;
  const fields = Object.entries(value);
  if (Object.getPrototypeOf(value) !== Object.prototype || !fields.some(([, field]) => mayHoldView(field))) return value;
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field, depth + 1)]));
}

function mayHoldView(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Whether the text of a value has surely more than so many characters, found out without writing it: an image would hold up a request. */
function isLarger(value: unknown, maxBytes: number): boolean {
  const open: unknown[] = [value];
  let least = 0;
  for (let steps = 0; open.length > 0 && least <= maxBytes && steps < 10_000; steps++) {
    const next = open.pop();
    if (typeof next === 'string') least += next.length;
    else if (ArrayBuffer.isView(next)) least += next instanceof Uint8Array ? next.byteLength : 2 * (next as unknown as ArrayLike<number>).length;
    else if (Array.isArray(next)) {
      least += 2 * next.length;
      // Numbers have been counted.
      if (typeof next[0] !== 'number') for (const item of next.slice(0, 1000)) open.push(item);
    } else if (typeof next === 'object' && next !== null) for (const name of Object.keys(next).slice(0, 1000)) open.push((next as Record<string, unknown>)[name]);
  }
  return least > maxBytes;
}

/** What could not be kept of an event. */
export interface Encoded {
  readonly text: string;
  /** Why something was left out that should have been kept, and not for its size. */
  readonly failures: readonly unknown[];
}

/** The text of the record of a prediction. An input or output that cannot be kept is left out, the rest is there. Never throws. */
export function encodePrediction(outcome: ServedOutcome, settings: PredictionLogSettings): Encoded {
  const failures: unknown[] = [];
  const omitted: ('input' | 'output')[] = [];
  const kept = (name: 'input' | 'output', wanted: boolean, value: () => unknown): string | undefined => {
    if (!wanted || outcome[name] === undefined) return undefined;
    try {
      const seen = value();
      if (seen === undefined) return undefined;
      const text = textOf(seen, settings.maxValueBytes);
      if (text === undefined) omitted.push(name);
      return text;
    } catch (error) {
      failures.push(error);
      omitted.push(name);
      return undefined;
    }
  };
  const input = kept('input', settings.inputs, () => (settings.redact ? settings.redact(outcome.input) : outcome.input));
  const output = kept('output', settings.outputs, () => outcome.output);
  const { id, at, version, arm, reason, variant, key, shadow, error, cached, latencyMs, queueMs, computeMs, batchSize } = outcome;
  const facts: Omit<StoredPrediction, 'input' | 'output'> = {
    id, at, version, arm, reason, variant, shadow, cached, latencyMs, queueMs, computeMs, batchSize,
    ...(settings.keys && key !== undefined && { key }),
    ...(error !== undefined && { error: { ...describeFailure(error) } }),
    ...(omitted.length > 0 && { omitted }),
  };
  // A text that UTF-8 cannot hold is the only thing here that could be refused: an id, a key or a variant of the caller's.
  let text: string;
  try {
    text = canonicalJson(facts);
  } catch (failure) {
    return { text: '', failures: [...failures, failure] };
  }
  // The codec reads names in any order.
  const values = `${input === undefined ? '' : `,"input":${input}`}${output === undefined ? '' : `,"output":${output}`}`;
  return { text: `${text.slice(0, -1)}${values}}`, failures };
}

/** The text of the record of feedback. Throws `ValidationError` for what no record can hold. */
export function encodeFeedback(feedback: StoredFeedback): string {
  return canonicalJson(feedback);
}
