import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { callable } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';

/** Which predictions a deployment keeps, and what of them. */
export interface PredictionLogOptions {
  /** The share of predictions that is kept, from 0 to 1. It is decided by the id alone, so that a prediction and its feedback are kept together, in whichever process they come. @default 1 */
  readonly sample?: number | undefined;
  /** Whether predictions that failed are kept whatever the sample. @default true */
  readonly failures?: boolean | undefined;
  /** Whether what was asked is kept. @default true */
  readonly inputs?: boolean | undefined;
  /** Whether what was answered is kept. @default true */
  readonly outputs?: boolean | undefined;
  /** Whether the keys are kept that requests were routed by, which may name persons. @default false */
  readonly keys?: boolean | undefined;
  /** What is kept in the place of an input, such as without what names a person. An input that it fails for is not kept. @default the input itself */
  readonly redact?: ((input: unknown) => unknown) | undefined;
  /** How long predictions and what came of them stay in the store. @default '30d' */
  readonly keep?: Duration | undefined;
  /** At most so long after it was served a prediction is written. @default '1s' */
  readonly interval?: Duration | undefined;
  /** How many events wait to be written at most; beyond it the oldest are dropped and counted. @default 10_000 */
  readonly maxBuffered?: number | undefined;
  /** How many bytes they may take in memory, by their text. @default 16 MiB */
  readonly maxBufferedBytes?: number | undefined;
  /** Bytes of an input, and of an output, beyond which it is left out of its event. @default 64 KiB */
  readonly maxValueBytes?: number | undefined;
}

/** The options with their defaults. */
export interface PredictionLogSettings {
  readonly sample: number;
  readonly failures: boolean;
  readonly inputs: boolean;
  readonly outputs: boolean;
  readonly keys: boolean;
  readonly redact: PredictionLogOptions['redact'];
  readonly keepMs: number;
  readonly intervalMs: number;
  readonly maxBuffered: number;
  readonly maxBufferedBytes: number;
  readonly maxValueBytes: number;
}

const flag = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean());
const count = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1)));
const duration = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.custom<Duration>());

const schema = /* @__PURE__ */ z.strictObject({
  sample: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.minimum(0), /* @__PURE__ */ z.maximum(1))),
  failures: flag,
  inputs: flag,
  outputs: flag,
  keys: flag,
  redact: /* @__PURE__ */ z.optional(/* @__PURE__ */ callable<NonNullable<PredictionLogOptions['redact']>>()),
  keep: duration,
  interval: duration,
  maxBuffered: count,
  maxBufferedBytes: count,
  maxValueBytes: count,
});

/** Checks what is kept. Throws `ValidationError`, naming `path`. */
export function checkPredictionLog(options: PredictionLogOptions, path: string): PredictionLogSettings {
  const { sample = 1, failures = true, inputs = true, outputs = true, keys = false, redact, keep = '30d', interval = '1s', maxBuffered = 10_000, maxBufferedBytes = 16 * 2 ** 20, maxValueBytes = 64 * 2 ** 10 } = check(schema, options, path);
  return { sample, failures, inputs, outputs, keys, redact, keepMs: durationMs(keep, `${path}.keep`), intervalMs: durationMs(interval, `${path}.interval`), maxBuffered, maxBufferedBytes, maxValueBytes };
}
