import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';

/** How a monitor says which columns a loss that grew goes with. */
export interface MonitorAttributionOptions {
  /** The columns that it may go with: of the reference, numbers or categories. @default all such columns but the prediction */
  readonly columns?: readonly string[] | undefined;
}

const schema = /* @__PURE__ */ z.strictObject({ columns: z.optional(z.array(z.string()).check(z.minLength(1), z.maxLength(1000))) });

/** Checks which columns are asked for; `undefined` when nothing is attributed. */
export function attributionSettings(options: unknown, path: string): MonitorAttributionOptions | undefined {
  return options === undefined ? undefined : check(schema, options, path);
}
