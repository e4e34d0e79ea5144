import type { Clock } from '../../core/clock.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, Version } from '../../storage/contract.ts';
import { readHead, readHeads } from '../../storage/head-record.ts';
import { listAll } from '../../storage/records.ts';
import { applyDefinitions, type AppliedDefinition } from './apply-definitions.ts';
import type { Definition } from './definition.ts';
import { serviceKey, versionOf, viewKey, viewsPrefix, type ServiceState, type ServiceVersion, type ViewState } from './definition-states.ts';

interface Known<State> {
  /** Version of the record that held it. */
  readonly version: Version | undefined;
  readonly state: State;
}

/** Definitions, stored as data: every version is kept, and the history says who came when. What was read once is kept, and whoever relies on it asks first whether it is still so. */
export class DefinitionCatalog {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #known = new Map<Key, Known<unknown>>();
  #generation = 0;

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Grows whenever something is learnt anew, so that what was made of the same generation is made of the same definitions. */
  get generation(): number {
    return this.#generation;
  }

  /** Puts definitions in force: all are checked before the first is stored. */
  async apply(definitions: readonly Definition[], force: boolean, options: OperationOptions): Promise<AppliedDefinition[]> {
    const applied = await applyDefinitions(this.#storage, this.#clock, definitions, force, options);
    this.#known.clear();
    this.#generation++;
    return applied;
  }

  /** What is stored of a view, as far as this instance knows when `cached`. Throws `NotFoundError` when there is none. */
  async view(name: string, cached: boolean, options: OperationOptions): Promise<ViewState> {
    const state = await this.#state<ViewState>(viewKey(name), cached, options);
    if (state === undefined) {
      throw new NotFoundError(`There is no feature view '${name}'; define it with featureView() or onDemandView() and store it with apply().`, { key: name });
    }
    return state;
  }

  /** What is stored of all views of both sorts, by name. */
  async views(options: OperationOptions): Promise<ViewState[]> {
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#storage, { kind: 'record', prefix: viewsPrefix }, options)) keys.push(key);
    return (await readHeads<ViewState>(this.#storage, keys, options)).filter((state) => state !== undefined);
  }

  /** A version of a service, the newest when none is named. Throws `NotFoundError` when there is none. */
  async service(name: string, version: string | undefined, cached: boolean, options: OperationOptions): Promise<ServiceVersion> {
    const state = await this.#state<ServiceState>(serviceKey(name), cached, options);
    if (state === undefined) throw new NotFoundError(`There is no feature service '${name}'; define it with featureService() and store it with apply().`, { key: name });
    return versionOf(`feature service '${name}'`, state.versions, version);
  }

  /** At which version of a record this instance knows what it holds; `undefined` where it knows nothing. */
  versionOf(key: Key): Version | undefined {
    return this.#known.get(key)?.version;
  }

  /** Whether what this instance knows of a record is what the record holds at `version`. */
  confirms(key: Key, version: Version | undefined): boolean {
    const known = this.#known.get(key);
    return known !== undefined && known.version === version;
  }

  async #state<State>(key: Key, cached: boolean, options: OperationOptions): Promise<State | undefined> {
    const known = this.#known.get(key) as Known<State> | undefined;
    if (known !== undefined && cached) return known.state;
    // The version is read first: a change in between only makes the next look read again.
    const [record] = await this.#storage.read([key], options);
    if (known !== undefined && this.confirms(key, record?.version)) return known.state;
    const state = record && (await readHead<State>({ storage: this.#storage, key }, options));
    this.#generation++;
    if (state === undefined) this.#known.delete(key);
    else this.#known.set(key, { version: record?.version, state });
    return state;
  }
}
