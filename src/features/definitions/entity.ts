import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { factFields, factsOf, type DefinitionFacts } from './definition-facts.ts';
import { checkName } from './definition-name.ts';

/** Type of one component of an entity's key. */
export type KeyType = 'string' | 'int64' | 'float64' | 'bool' | 'timestamp';

/** What features are of, as data: a driver, a route from one airport to another. Made by {@link entity}. */
export interface Entity extends DefinitionFacts {
  /** Tells it from other definitions. */
  readonly kind: 'entity';
  /** Names it in the store. */
  readonly name: string;
  /** The columns whose values together are its key, with their types. */
  readonly keys: Readonly<Record<string, KeyType>>;
}

/** How an entity is defined. */
export interface EntityOptions extends DefinitionFacts {
  /** Letters, digits and `_`, not beginning with a digit and without `__`. */
  readonly name: string;
  /** The columns whose values together are its key, with their types. */
  readonly keys: Readonly<Record<string, KeyType>>;
}

const keyTypes = /* @__PURE__ */ z.enum(['string', 'int64', 'float64', 'bool', 'timestamp']);
const columnName = /* @__PURE__ */ z.string().check(z.minLength(1), z.refine((text) => text !== '__proto__', 'must not be __proto__, which no object can have as a plain column'));

/** Schema of the types of keys by column. */
export const keyTypesSchema: z.ZodMiniType = /* @__PURE__ */ z.record(columnName, keyTypes);

const optionsSchema = /* @__PURE__ */ z.strictObject({ name: z.string(), keys: keyTypesSchema, ...factFields });
const entitySchema = /* @__PURE__ */ z.strictObject({ kind: z.literal('entity'), name: z.string(), keys: keyTypesSchema, ...factFields });

/**
 * Defines what features are of, as plain data, for several views to share: its key, of one or several columns, each with a type. The components of a key stay apart: (1, 12) and (11, 2) are
 * two entities.
 *
 * Throws `ValidationError` when the name cannot be one or there is no key.
 *
 * @example
 * ```ts
 * import { entity, featureView } from 'modelkeep';
 *
 * const route = entity({ name: 'route', keys: { origin: 'string', destination: 'string' }, owner: 'network-planning' });
 * const delays = featureView({ name: 'route_delays', entity: route, timestamp: 'landed', features: { delay: 'float64' } });
 * console.log(delays.entity); // ['origin', 'destination']
 * ```
 */
export function entity(options: EntityOptions): Entity {
  check(optionsSchema, options, 'entity');
  const defined: Entity = { kind: 'entity', name: options.name, keys: { ...options.keys }, ...factsOf(options) };
  checkEntity(defined, `entity(${options.name})`);
  return defined;
}

/** Checks an entity wherever it came from, parsed from JSON for example. */
export function checkEntity(given: Entity, path: string): void {
  check(entitySchema, given, path);
  checkName(given.name, 'an entity', `${path}.name`);
  if (Object.keys(given.keys).length === 0) {
    throw new ValidationError(`${path}.keys is empty; name at least one column, or give a view that is the same for all the entity [].`, { path: `${path}.keys` });
  }
}
