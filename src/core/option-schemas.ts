import * as z from 'zod/mini';
import { isWellFormed } from './bytes.ts';
import type { Clock } from './clock.ts';
import type { LongOperationOptions, OperationOptions } from './progress.ts';
import type { StandardSchema } from './schema.ts';

/** Schema of an object that is known by one of its methods. */
export function having<T>(method: string, message: string): z.ZodMiniType<T, T> {
  return z.custom<T>((value) => typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function', message);
}

/** Schema of a function. */
export function callable<T>(): z.ZodMiniType<T, T> {
  return z.custom<T>((value) => typeof value === 'function', 'must be a function');
}

/** Holds texts that are stored to what UTF-8 can hold. */
export const wellFormedCheck: z.core.$ZodCheck<string> = /* @__PURE__ */ z.refine((text: string) => isWellFormed(text), 'has a lone surrogate, which UTF-8 cannot hold');

/** Schema of what is given under names of the caller's own. One called `__proto__` would be lost on the way, so it is refused. */
export function recordOf<T>(name: z.ZodMiniType<string, string>, value: z.ZodMiniType<T>): z.ZodMiniType<Record<string, T>> {
  const kept = z.custom<Record<string, unknown>>((given) => typeof given !== 'object' || given === null || !Object.hasOwn(given, '__proto__'), "has something called '__proto__', which would be lost; give it another name");
  return z.pipe(kept, z.record(name, value));
}

/** Schema of an option that takes a validator of the Standard Schema family. */
export const standardSchemaOption: z.ZodMiniOptional<z.ZodMiniType<StandardSchema, StandardSchema>> = /* @__PURE__ */ z.optional(
  /* @__PURE__ */ z.custom<StandardSchema>((value) => typeof (value as Partial<StandardSchema> | null)?.['~standard']?.validate === 'function', 'must be a Standard Schema, such as one of zod'),
);

/** Schema of a `clock` option. */
export const clockOption: z.ZodMiniOptional<z.ZodMiniType<Clock, Clock>> = /* @__PURE__ */ z.optional(/* @__PURE__ */ having<Clock>('now', 'must be a Clock'));

/** Schema of a `signal` option. */
export const signalOption: z.ZodMiniOptional<z.ZodMiniType<AbortSignal, AbortSignal>> = /* @__PURE__ */ z.optional(
  /* @__PURE__ */ having<AbortSignal>('addEventListener', 'must be an AbortSignal'),
);

/** Schema of the options of what can be given up, and takes no others. */
export const operationOptionsSchema: z.ZodMiniType<OperationOptions> = /* @__PURE__ */ z.strictObject({ signal: signalOption });

/** Schema of an `onProgress` option. */
export const progressOption: z.ZodMiniOptional<z.ZodMiniType<NonNullable<LongOperationOptions['onProgress']>, NonNullable<LongOperationOptions['onProgress']>>> =
  /* @__PURE__ */ z.optional(/* @__PURE__ */ callable<NonNullable<LongOperationOptions['onProgress']>>());
