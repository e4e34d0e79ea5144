import * as z from 'zod/mini';
import { embeddingSize, toColumn, type ColumnType, type EmbeddingType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';

/**
 * Type of a feature: `int64` travels as bigint, `timestamp` as epoch milliseconds, `bytes` as a `Uint8Array`, `embedding(n)` as a `Float32Array` of `n` numbers, `json` is any other plain
 * data.
 */
export type FeatureType = ColumnType;

/** What a value of a feature of that type is in JavaScript, `null` aside. */
export type FeatureValue<Type extends FeatureType> = Type extends 'float64' | 'timestamp'
  ? number
  : Type extends 'int64'
    ? bigint
    : Type extends 'bool'
      ? boolean
      : Type extends 'string'
        ? string
        : Type extends 'bytes'
          ? Uint8Array
          : Type extends EmbeddingType
            ? Float32Array
            : unknown;

const plainTypes: readonly string[] = ['float64', 'int64', 'bool', 'string', 'timestamp', 'bytes', 'json'];

/** Schema of {@link FeatureType}. */
export const featureTypeSchema: z.ZodMiniType<FeatureType> = /* @__PURE__ */ z.custom<FeatureType>(
  (value) => typeof value === 'string' && (plainTypes.includes(value) || embeddingSize(value) !== undefined),
  `must be one of the types ${plainTypes.join(', ')} and embedding(n) with the length n`,
);

/**
 * The type of a feature that is a vector of `size` 32-bit floats, such as an embedding. Throws `ValidationError` unless `size` is a whole number from 1 to 999,999.
 *
 * @example
 * ```ts
 * import { embedding, featureView } from 'modelkeep';
 *
 * const products = featureView({ name: 'products', entity: ['sku'], timestamp: 'at', features: { title_vector: embedding(384) } });
 * console.log(products.features.title_vector.kind, embedding(384)); // column embedding(384)
 * ```
 */
export function embedding<const Size extends number>(size: Size): `embedding(${Size})` {
  const type = `embedding(${size})` as const;
  if (embeddingSize(type) === undefined) throw new ValidationError(`The size of an embedding is ${String(size)}; give a whole number from 1 to 999999.`, { path: 'size' });
  return type;
}

/** Throws `ValidationError` unless `value` is one of that type, and not missing. */
export function checkValue(value: unknown, type: FeatureType, path: string): void {
  if (value === null || value === undefined) throw new ValidationError(`${path} is missing; give a ${type}, or leave it out.`, { path });
  try {
    toColumn([value], type, path);
  } catch (cause) {
    throw new ValidationError(`${path} does not fit its type ${type}.`, { path, cause });
  }
}
