import * as z from 'zod/mini';
import type { Smoothing } from './smoothing.ts';

type OptionalNumber = z.ZodMiniOptional<z.ZodMiniNumber<number>>;

/** Schema of the width of a picture. */
export const widthOption: OptionalNumber = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.gte(160), /* @__PURE__ */ z.lte(4_000)));

/** Schema of the height of a picture. */
export const heightOption: OptionalNumber = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.gte(100), /* @__PURE__ */ z.lte(4_000)));

/** Schema of a way of smoothing. */
export const smoothingOption: z.ZodMiniOptional<z.ZodMiniType<Smoothing, Smoothing>> = /* @__PURE__ */ z.optional(
  /* @__PURE__ */ z.discriminatedUnion('method', [
    /* @__PURE__ */ z.strictObject({ method: /* @__PURE__ */ z.literal('exponential'), weight: /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.gte(0), /* @__PURE__ */ z.lt(1)) }),
    /* @__PURE__ */ z.strictObject({ method: /* @__PURE__ */ z.literal('gaussian'), sigma: /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.gte(0.1), /* @__PURE__ */ z.lte(200)) }),
    /* @__PURE__ */ z.strictObject({ method: /* @__PURE__ */ z.literal('mean'), window: /* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1)) }),
  ]),
);
