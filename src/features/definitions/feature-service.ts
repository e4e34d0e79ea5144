import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { factFields, factsOf, type DefinitionFacts } from './definition-facts.ts';
import { checkName } from './definition-name.ts';
import { featureRef, parseRef, type FeatureRef, type FeatureSelection } from './feature-ref.ts';

/** The features that a model takes, by name, as data. Made by {@link featureService}. */
export interface FeatureService extends DefinitionFacts {
  /** Tells it from other definitions. */
  readonly kind: 'feature-service';
  /** Names the service in the store. */
  readonly name: string;
  /** What it is made of, in order. */
  readonly features: readonly (string | FeatureSelection)[];
}

/** How a feature service is defined. */
export interface FeatureServiceOptions extends DefinitionFacts {
  /** Letters, digits and `_`, not beginning with a digit and without `__`. */
  readonly name: string;
  /** Features in the order in which the model takes them: `view:feature`, `view:*` for all of a view, `view@2:feature` of an older version, or selections that rename a view or find its entities by other columns. */
  readonly features: readonly FeatureRef[];
}

const serviceSchema = /* @__PURE__ */ z.strictObject({ kind: z.literal('feature-service'), name: z.string(), features: z.array(z.unknown()), ...factFields });

/**
 * Defines what a model takes, as plain data, so that training and serving ask for it by one name. When it is applied, it is bound to the versions that its views have then: whatever becomes of the
 * views, `name@1` goes on to give what it gave.
 *
 * Throws `ValidationError` when a reference cannot be one or there are none.
 *
 * @example
 * ```ts
 * import { featureService } from 'modelkeep';
 *
 * const service = featureService({
 *   name: 'delay_v1', owner: 'punctuality',
 *   features: ['airport_delays:*', { view: 'airport_delays', as: 'destination_delays', keys: { origin: 'destination' }, features: ['delay_mean_1h'] }],
 * });
 * console.log(service.features.length); // 2
 * ```
 */
export function featureService(options: FeatureServiceOptions): FeatureService {
  const given: unknown = (options as Partial<FeatureServiceOptions> | undefined)?.features;
  if (!Array.isArray(given)) throw new ValidationError("featureService.features must be a list such as ['airport_delays:*'].", { path: 'featureService.features' });
  const path = `featureService(${String(options.name)})`;
  const service: FeatureService = {
    kind: 'feature-service',
    name: options.name,
    features: options.features.map((ref, i) => featureRef(ref, `${path}.features[${i}]`)),
    ...factsOf(options),
  };
  checkService(service, path);
  return service;
}

/** Checks a service wherever it came from, parsed from JSON for example. */
export function checkService(service: FeatureService, path: string): void {
  check(serviceSchema, service, path);
  checkName(service.name, 'a service', `${path}.name`);
  if (service.features.length === 0) throw new ValidationError(`${path}.features is empty; a service needs at least one feature.`, { path: `${path}.features` });
  service.features.forEach((ref, i) => parseRef(ref, `${path}.features[${i}]`));
}
