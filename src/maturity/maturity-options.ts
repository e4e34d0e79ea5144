import * as z from 'zod/mini';
import { systemClock, type Clock } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { clockOption, progressOption, signalOption } from '../core/option-schemas.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { resolvePolicy, type MaturityPolicy, type ResolvedPolicy } from './maturity-policy.ts';
import type { MaturityAttestation } from './maturity-report.ts';

/** What is assessed, and by what. */
export interface AssessMaturityOptions extends LongOperationOptions {
  /** Whose records are looked at. */
  readonly storage: StorageAdapter;
  /** Names of models in production. @default all that are in production */
  readonly models?: readonly string[] | undefined;
  /** What is demanded. @default what the guide lists */
  readonly policy?: MaturityPolicy | undefined;
  /** What people declare that no record can tell. @default none */
  readonly attestations?: readonly MaturityAttestation[] | undefined;
  /** How far back runs, promotions and alerts count. @default '90d' */
  readonly window?: Duration | undefined;
  /** Whether all files of the versions in production are read and held to their digests, which is recorded in the report. @default false */
  readonly verify?: boolean | undefined;
  /** Whether the report is stored, for the trend. @default true */
  readonly store?: boolean | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
}

/** {@link AssessMaturityOptions} as they were checked. */
export interface CheckedAssessOptions extends LongOperationOptions {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly models: readonly string[] | undefined;
  readonly policy: ResolvedPolicy;
  readonly attestations: readonly MaturityAttestation[];
  readonly windowMs: number;
  readonly verify: boolean;
  readonly store: boolean;
}

const text = z.string().check(z.minLength(1), z.maxLength(10_000));
const schema = z.strictObject({
  storage: storageOption,
  models: z.optional(z.array(text)),
  policy: z.optional(z.unknown()),
  attestations: z.optional(z.array(z.strictObject({ statement: text, author: text, expiresAt: z.number(), model: z.optional(text) })).check(z.maxLength(1000))),
  window: z.optional(z.union([z.number(), z.string()])),
  verify: z.optional(z.boolean()),
  store: z.optional(z.boolean()),
  clock: clockOption,
  signal: signalOption,
  onProgress: progressOption,
});

/** Checks what is to be assessed. Throws `ValidationError`, naming the path. */
export function checkAssessOptions(options: AssessMaturityOptions): CheckedAssessOptions {
  const { storage, clock = systemClock, models, policy, attestations = [], window = '90d', verify = false, store = true, signal, onProgress } = check(schema, options, 'options') as AssessMaturityOptions;
  return { storage, clock, models, policy: resolvePolicy(policy), attestations, windowMs: durationMs(window, 'options.window'), verify, store, signal, onProgress };
}
