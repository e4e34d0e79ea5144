import { canonicalJson } from '../../core/codec.ts';
import { describeFailure } from '../../core/failure.ts';
import type { ServedOutcome } from '../prediction.ts';
import type { PredictionLogSettings } from './log-options.ts';
import type { StoredFeedback, StoredPrediction } from './logged-prediction.ts';
import { valueText } from './value-text.ts';

/** An event as text, and what could not be kept of it. */
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
      const text = valueText(seen, settings.maxValueBytes);
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
  const text = valueText(facts, Infinity)!;
  // The codec reads names in any order.
  const values = `${input === undefined ? '' : `,"input":${input}`}${output === undefined ? '' : `,"output":${output}`}`;
  return { text: `${text.slice(0, -1)}${values}}`, failures };
}

/** The text of the record of feedback. Throws `ValidationError` for what no record can hold. */
export function encodeFeedback(feedback: StoredFeedback): string {
  return canonicalJson(feedback);
}
