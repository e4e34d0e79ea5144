import * as z from 'zod/mini';
import type { Duration } from '../../core/duration.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';

/** How a process works for the runs of others. */
export interface WorkOptions {
  /** How many attempts go on here at once. @default 8 */
  readonly concurrency?: number | undefined;
  /** How often to look, at the longest, for attempts that wait: right after something has happened it looks more often, and at once where the storage hints at changes. @default '1s' */
  readonly interval?: Duration | undefined;
}

/** Makes attempts at steps in this process that the runs of others wait for. */
export interface StepWorker {
  /** How many attempts go on here. */
  readonly running: number;
  /** Resolves when no attempt waits to be made and none goes on here. */
  idle(options?: OperationOptions): Promise<void>;
  /** Claims no further attempt, and waits for those that go on here; when its signal fires, they are stopped and given back for others to make. */
  close(options?: OperationOptions): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const schema = z.strictObject({ concurrency: z.optional(z.int().check(z.minimum(1))), interval: z.optional(z.custom<Duration>()) });

/** Options as they are used. Throws `ValidationError` when one is not what it must be. */
export function workTerms(options: WorkOptions): { readonly most: number; readonly interval: Duration } {
  const { concurrency: most = 8, interval = '1s' } = check(schema, options, 'options');
  return { most, interval };
}
