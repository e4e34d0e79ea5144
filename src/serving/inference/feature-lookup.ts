import { ModelkeepError, ValidationError, isModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { shown } from '../../core/shown.ts';
import type { DeployedVersion } from '../deployment-options.ts';

/** What a deployment asks of a store of features; a `FeatureStore` is one. */
export interface OnlineFeatureReader {
  /** Features as they are now. */
  getOnlineFeatures(query: { entities: readonly Readonly<Record<string, unknown>>[]; features: string; signal?: AbortSignal | undefined }): Promise<LookedUpFeatures>;
}

/** Features that were looked up. */
export interface LookedUpFeatures {
  /** Values by column, in the order of the entities. */
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
}

/** Which features are looked up for a request. */
export interface FeatureLookupOptions<Input = unknown> {
  /** Where they are. */
  readonly store: OnlineFeatureReader;
  /** The feature service whose values the model takes (`name@2` for an older version of it). @default the service that the version was registered with, in the version that it was trained on */
  readonly service?: string | undefined;
  /** Whom a request is about: the keys of the entities, and what on-demand features are computed from. */
  readonly entity: (input: Input) => Readonly<Record<string, unknown>>;
}

/**
 * What a model is asked, of what the caller asked: an object with the caller's columns and the features, which take the place of columns of the same name, for a caller must not make features up.
 *
 * Throws what says that the features cannot be had: `unavailable` with `details.features`, which is no failure of the version.
 */
export async function withFeatures<Input>({ store, service, entity }: FeatureLookupOptions<Input>, input: Input, facts: DeployedVersion['version'], signal: AbortSignal | undefined): Promise<Input> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw new ValidationError(`input is ${shown(input, 80)}; features are added to an object of columns.`, { path: 'input' });
  const features = service ?? registeredService(facts);
  if (features === undefined) {
    throw new ModelkeepError('unavailable', `${facts.model}@${facts.version} was registered without a feature service; name one in options.features.service.`, { features: true });
  }
  const asked = entity(input);
  let columns: Readonly<Record<string, readonly unknown[]>>;
  try {
    ({ columns } = await store.getOnlineFeatures({ entities: [asked], features, signal }));
  } catch (cause) {
    if (isModelkeepError(cause, 'validation', 'aborted')) throw cause;
    throw new ModelkeepError('unavailable', `The features ${features} could not be looked up: ${describeFailure(cause).message}`, { features: true, cause });
  }
  const found = { ...input } as Record<string, unknown>;
  for (const name of Object.keys(columns)) if (!Object.hasOwn(asked, name)) found[name] = columns[name]![0];
  return found as Input;
}

function registeredService({ features }: DeployedVersion['version']): string | undefined {
  return features?.version === undefined ? features?.service : `${features.service}@${features.version}`;
}
