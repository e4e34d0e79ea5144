import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import type { Duration } from '../core/duration.ts';
import type { ErrorListener } from '../core/logger.ts';
import { callable, clockOption, recordOf, signalOption } from '../core/option-schemas.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Random } from '../core/random.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { AnalyzeOptions } from './analysis/analyze-options.ts';
import type { Attributes } from './assignment/assignment.ts';
import { definitionShape } from './definition/check-definition.ts';
import type { DefinitionOptions } from './definition/definition-options.ts';
import type { ChangeAuthor } from './definition/experiment-state.ts';
import { nameSchema } from './definition/names.ts';

/** How a process takes part in a test. */
export interface ABTestProcessOptions {
  /** Variants of certain units by their id, for trying them out: such a unit is not recorded. @default none */
  readonly overrides?: Readonly<Record<string, string>> | undefined;
  /** How long events wait at most until they are written. @default '1s' */
  readonly flushInterval?: Duration | undefined;
  /** How often the stored test is looked at for what other processes have changed, once this one has begun. @default '10s' */
  readonly lookInterval?: Duration | undefined;
  /** How many events may wait for the storage; what comes then is refused with code `overloaded`. @default 200000 */
  readonly maxBuffered?: number | undefined;
  /** How many units this process remembers that it has exposed, or assigned for good, so that doing so again costs no write and no read. @default 50000 */
  readonly remembered?: number | undefined;
  /** Is told what fails in the background. @default nobody */
  readonly onError?: ErrorListener | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
  /** A source of numbers in [0, 1), for the waits between attempts. @default the host's */
  readonly random?: Random | undefined;
}

/** A test, and how this process takes part in it. */
export interface ABTestOptions extends DefinitionOptions, ABTestProcessOptions {
  /** Where it is kept. */
  readonly storage: StorageAdapter;
  /** Under which name. */
  readonly name: string;
}

/** Which stored test is opened, and how this process takes part in it. */
export interface OpenABTestOptions extends ABTestProcessOptions, OperationOptions {
  /** Where it is kept. */
  readonly storage: StorageAdapter;
  /** Under which name. */
  readonly name: string;
}

/** How a test is begun. */
export interface StartOptions extends ChangeAuthor, OperationOptions {
  /** Takes the place of a stored definition that differs, although units are moved; those that were exposed before and have another variant now are left out of the analysis. @default false: `ConflictError` */
  readonly redefine?: boolean | undefined;
}

/** How an exposure is recorded. */
export interface ExposeOptions {
  /** The variant that the unit has met. @default what `assign` gives; give it for a unit that was assigned by `assignSticky` */
  readonly variant?: string | undefined;
  /** What is known of the unit, for targeting and for segments. @default nothing */
  readonly attributes?: Attributes | undefined;
  /** When, epoch milliseconds. @default now */
  readonly at?: number | undefined;
}

/** How values are recorded. */
export interface RecordOptions {
  /** Names the event, such as by the id of an order: what is recorded again under it counts once, by whichever process. @default each call is an event of its own */
  readonly id?: string | undefined;
  /** When, epoch milliseconds. @default now */
  readonly at?: number | undefined;
}

/** How a test covers more. */
export interface RampOptions extends ChangeAuthor, OperationOptions {
  /** Which share of the units that could take part does from now on, from 0 to 1, and no less than before. */
  readonly coverage: number;
}

/** How the weights of an adaptive test are changed. */
export interface SetWeightsOptions extends ChangeAuthor, OperationOptions {
  /** The weight of each variant, by its name. */
  readonly weights: Readonly<Record<string, number>>;
}

/** How a test ends. */
export interface StopOptions extends ChangeAuthor, OperationOptions {
  /** The variant that everybody has from then on. @default none: no unit is given a variant any more */
  readonly ship?: string | undefined;
  /** What the end rests on, such as the decision of an analysis; it is kept in the history. @default nothing */
  readonly decision?: unknown;
}

/** When the table of units is made. */
export interface UnitsOptions extends OperationOptions {
  /** As of when, epoch milliseconds: a window that ends later has not passed. @default now */
  readonly at?: number | undefined;
}

/** How a test is analysed. */
export interface AnalyzeTestOptions extends AnalyzeOptions, UnitsOptions {}

const duration = /* @__PURE__ */ z.optional(z.union([z.number(), z.string()]));
const author = { by: /* @__PURE__ */ z.optional(z.string()), reason: /* @__PURE__ */ z.optional(z.string()), signal: signalOption };
const time = /* @__PURE__ */ z.optional(z.number());

const place = { storage: storageOption, name: nameSchema };
const processShape = {
  overrides: /* @__PURE__ */ z.optional(recordOf(z.string().check(z.minLength(1)), nameSchema)),
  flushInterval: duration,
  lookInterval: duration,
  maxBuffered: /* @__PURE__ */ z.optional(z.int().check(z.minimum(1))),
  remembered: /* @__PURE__ */ z.optional(z.int().check(z.minimum(1), z.maximum(10_000_000))),
  onError: /* @__PURE__ */ z.optional(callable<ErrorListener>()),
  clock: clockOption,
  random: /* @__PURE__ */ z.optional(callable<Random>()),
};

/** Schema of the options of a test. */
export const optionsSchema: z.ZodMiniType = /* @__PURE__ */ z.strictObject({ ...place, ...definitionShape, ...processShape });

/** Schema of the options of a test that is opened. */
export const openSchema: z.ZodMiniType = /* @__PURE__ */ z.strictObject({ ...place, ...processShape, signal: signalOption });

/** Schema of the options of `start`. */
export const startSchema: z.ZodMiniType<StartOptions> = /* @__PURE__ */ z.strictObject({ ...author, redefine: z.optional(z.boolean()) });

/** Schema of the options of `ramp`. */
export const rampSchema: z.ZodMiniType<RampOptions> = /* @__PURE__ */ z.strictObject({ ...author, coverage: z.number().check(z.minimum(0), z.maximum(1)) });

/** Schema of the options of `setWeights`. */
export const weightsSchema: z.ZodMiniType<SetWeightsOptions> = /* @__PURE__ */ z.strictObject({ ...author, weights: recordOf(nameSchema, z.number().check(z.minimum(0), z.maximum(1e9))) });

/** Schema of the options of `stop`. */
export const stopSchema: z.ZodMiniType<StopOptions> = /* @__PURE__ */ z.strictObject({ ...author, ship: z.optional(z.string()), decision: z.optional(z.unknown()) });

/** Schema of the options of `units`. */
export const unitsSchema: z.ZodMiniType<UnitsOptions> = /* @__PURE__ */ z.strictObject({ at: time, signal: signalOption });
