import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { callable } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';

/** What of the answers for serving is kept, and how. */
export interface ServingLogOptions {
  /** The share of the rows that is kept, more than 0 and at most 1: which ones is decided by a hash of their keys and their moment, so that each process decides alike. @default 0.01 */
  sample?: number | undefined;
  /** How long they are kept after they were served; by whole days, in UTC. @default '30d' */
  retention?: Duration | undefined;
  /** What was kept is written at most so long after it was served, while the event loop runs. @default '10s' */
  flushInterval?: Duration | undefined;
  /** How many bytes may wait to be written, roughly; what comes while they are reached is dropped and counted. @default 16 MiB */
  maxPendingBytes?: number | undefined;
  /** Is told of failures in the background, such as a write that will be tried again. @default none */
  onError?: ErrorListener | undefined;
}

/** What became of the rows that this instance served since it was made. */
export interface ServingLogCounts {
  /** Rows that were served. */
  readonly served: number;
  /** Those of them that the sample took. */
  readonly sampled: number;
  /** Those that are written. */
  readonly written: number;
  /** Those that wait to be written. */
  readonly pending: number;
  /** Those that were let go since too many waited already, the log was closed, or they could not be stored. */
  readonly dropped: number;
}

/** {@link ServingLogOptions} with the defaults filled in, in milliseconds. */
export interface ServingLogSettings {
  readonly sample: number;
  readonly retentionMs: number;
  readonly flushIntervalMs: number;
  readonly maxPendingBytes: number;
  readonly onError: ErrorListener | undefined;
}

const schema = /* @__PURE__ */ z.strictObject({
  sample: z.optional(z.number().check(z.gt(0), z.maximum(1))),
  retention: z.optional(z.unknown()),
  flushInterval: z.optional(z.unknown()),
  maxPendingBytes: z.optional(z.number().check(z.minimum(0))),
  onError: z.optional(callable<ErrorListener>()),
});

/** Checks the options and fills in the defaults. */
export function servingLogSettings(options: ServingLogOptions): ServingLogSettings {
  const path = 'options.servingLog';
  const { sample = 0.01, retention = '30d', flushInterval = '10s', maxPendingBytes = 16 * 1024 * 1024, onError } = check(schema, options, path) as ServingLogOptions;
  return { sample, retentionMs: durationMs(retention, `${path}.retention`), flushIntervalMs: durationMs(flushInterval, `${path}.flushInterval`), maxPendingBytes, onError };
}
