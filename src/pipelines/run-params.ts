import { encode } from '../core/codec.ts';
import { ValidationError } from '../core/errors.ts';
import { validateWith, type StandardSchema } from '../core/schema.ts';

/** The params of a run as the schema of its pipeline makes them. Throws `ValidationError` when they are not what they must be, cannot be stored, or are given to a pipeline that takes none. */
export async function validParams(pipeline: string, schema: StandardSchema<unknown, unknown> | undefined, given: unknown): Promise<unknown> {
  if (schema === undefined) {
    if (given === undefined) return undefined;
    throw new ValidationError(`Pipeline '${pipeline}' takes no params; define it with a params schema.`, { path: 'params' });
  }
  const params = await validateWith(schema, given, 'params');
  if (params !== undefined) encode(params, 'params');
  return params;
}
