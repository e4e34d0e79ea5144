import { NotFoundError, StorageError, ValidationError, type ModelkeepError } from '../../core/errors.ts';
import { parseLossless, stringifyLossless } from '../../core/lossless-json.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { readAnswer, type FeastFeatures, type FeastType } from './feast-answer.ts';

/** How a Feast server is reached. */
export interface FeastClientOptions {
  /** Where it is, such as `http://localhost:6566`. */
  readonly url: string;
  /** Sent as a bearer token. @default none */
  readonly token?: string | undefined;
  /** How values of a feature are read, by its column: `int64` as bigint always, `timestamp` as epoch milliseconds. @default as JSON has them, bigint where a number would round */
  readonly types?: Readonly<Record<string, FeastType>> | undefined;
  /** Makes the requests. @default the host's fetch */
  readonly fetch?: typeof fetch | undefined;
}

/** What is asked of a Feast server: `features` by reference, or those of a `service`. */
export interface FeastQuery extends OperationOptions {
  /** One object per answer, all with the same keys; what a transformation needs of the request stands here, too. */
  readonly entities: readonly Readonly<Record<string, unknown>>[];
  /** Such as `driver_stats:trips`. @default those of the service */
  readonly features?: readonly string[] | undefined;
  /** Name of a feature service. @default none */
  readonly service?: string | undefined;
  /** Whether columns are named `view__feature` instead of `feature`. @default false */
  readonly fullFeatureNames?: boolean | undefined;
}

/** Reads features from a Feast server. */
export interface FeastClient {
  /** Features as they are now. Throws `NotFoundError`, `ValidationError` or `StorageError`, with the server's own words. */
  getOnlineFeatures(query: FeastQuery): Promise<FeastFeatures>;
}

/**
 * Reads features from a feature server of Feast, in Python or Go, or from `createFeatureHandler`, in the form of `FeatureStore.getOnlineFeatures`. Integers that a number cannot hold exactly are
 * bigints. A `null` that the server calls `PRESENT` is told as `NULL_VALUE`; what it calls `OUTSIDE_MAX_AGE` keeps the value that it sends.
 *
 * @example
 * ```ts
 * import { feastClient } from 'modelkeep/http';
 *
 * const answer = { metadata: { feature_names: ['driver_id', 'trips'] }, results: [
 *   { values: [1001], statuses: ['PRESENT'], event_timestamps: ['1970-01-01T00:00:00Z'] },
 *   { values: [10], statuses: ['PRESENT'], event_timestamps: ['2024-01-01T10:00:00Z'] },
 * ] };
 * const client = feastClient({ url: 'http://localhost:6566', fetch: async () => Response.json(answer) });
 * const { columns } = await client.getOnlineFeatures({ entities: [{ driver_id: 1001 }], features: ['driver_stats:trips'] });
 * console.log(columns['trips']); // [10]
 * ```
 */
export function feastClient({ url, token, types = {}, fetch: send = fetch }: FeastClientOptions): FeastClient {
  if (typeof url !== 'string' || !/^https?:\/\//.test(url)) throw new ValidationError(`options.url is ${shown(url, 80)}; give one such as http://localhost:6566.`, { path: 'options.url' });
  // Python's server takes no notice of it; Go's sends no statuses without it.
  const address = `${url.replace(/\/+$/, '')}/get-online-features?status=true`;
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return {
    async getOnlineFeatures(query) {
      const { entities, signal } = query;
      const names = Object.keys(entities[0] ?? {});
      const body = stringifyLossless(bodyOf(query, names));
      let response: Response;
      let text: string;
      try {
        response = await send(address, { method: 'POST', headers, body, signal: signal ?? null });
        text = await response.text();
      } catch (cause) {
        signal?.throwIfAborted();
        throw new StorageError('unavailable', `The Feast server at ${url} cannot be reached.`, { cause });
      }
      if (!response.ok) throw refusalOf(response.status, text);
      let answer: unknown;
      try {
        answer = parseLossless(text);
      } catch (cause) {
        throw new StorageError('storage', `What answers at ${url} sends no JSON.`, { cause });
      }
      return readAnswer(answer, names, entities.length, types);
    },
  };
}

function bodyOf({ entities, features, service, fullFeatureNames = false }: FeastQuery, names: readonly string[]): object {
  if (names.length === 0) throw new ValidationError('query.entities is empty; give an object of keys for each answer.', { path: 'query.entities' });
  if ((features === undefined) === (service === undefined)) throw new ValidationError('Give either query.features or query.service.', { path: 'query.features' });
  const odd = entities.findIndex((entity) => Object.keys(entity).length !== names.length || names.some((name) => !Object.hasOwn(entity, name)));
  if (odd !== -1) throw new ValidationError(`query.entities[${odd}] does not have the keys of the first: ${names.join(', ')}.`, { path: `query.entities[${odd}]` });
  const columns = Object.fromEntries(names.map((name) => [name, entities.map((entity) => entity[name])]));
  return { features, feature_service: service, entities: columns, full_feature_names: fullFeatureNames };
}

function refusalOf(status: number, text: string): ModelkeepError {
  const message = `The Feast server answered ${status}: ${shown(messageOf(text), 500)}`;
  if (status === 404) return new NotFoundError(message, { status });
  if (status === 400 || status === 413 || status === 422) return new ValidationError(message, { status });
  if (status === 401) return new StorageError('unauthorized', message, { status });
  if (status === 403) return new StorageError('forbidden', message, { status });
  return new StorageError(status === 429 || status === 503 ? 'unavailable' : 'storage', message, { status });
}

/** Errors are JSON in a JSON text (Python), `{ error }` (Go, and this package), or `{ detail }` (what checks the bodies in Python). */
function messageOf(text: string): string {
  try {
    let body: unknown = JSON.parse(text);
    if (typeof body === 'string') {
      if (!body.startsWith('{')) return body;
      body = JSON.parse(body);
    }
    const { message, error, detail } = body as { message?: unknown; error?: unknown; detail?: unknown };
    const said = message ?? (error as { message?: unknown } | undefined)?.message ?? error ?? detail;
    return typeof said === 'string' ? said : JSON.stringify(said) ?? text;
  } catch {
    return text;
  }
}
