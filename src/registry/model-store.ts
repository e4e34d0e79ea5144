import type { Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import { encode } from '../core/codec.ts';
import { IntegrityError, NotFoundError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { escapeSegment, unescapeSegment, type Key } from '../core/key.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { PutOperation, StorageAdapter, Version } from '../storage/contract.ts';
import { changeHead, readEachHead, readHead, readHistory, type HeadLocation } from '../storage/head-record.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { readEach } from '../storage/read-each.ts';
import { listAll, readValues } from '../storage/records.ts';
import { update } from '../storage/update.ts';
import type { ApprovalRecord } from './approval.ts';
import type { DamagedModel } from './damaged.ts';
import type { EvaluationRecord } from './evaluation.ts';
import type { ModelReference } from './model-name.ts';
import { completed, isThere, latestVersion, type ModelState, type PendingRecord, type Sweep } from './model-state.ts';
import type { VersionRecord } from './model-version.ts';
import type { NewRegistryEvent, RegistryEvent } from './registry-event.ts';
import type { SignatureRecord } from './signing/version-signature.ts';

const modelsPrefix = 'registry/models/';
// Where records of versions lie: named by the version's number at the end, or below it by ids of their own.
const versionRooms = [
  { name: 'versions', below: false },
  { name: 'contents', below: false },
  { name: 'evaluations', below: true },
  { name: 'approvals', below: true },
  { name: 'signatures', below: true },
] as const;

/** What a decision makes of a model's state: the next one and the event that tells of it, or `undefined` for no change. */
export type ModelDecision = { readonly state: ModelState; readonly event: NewRegistryEvent } | undefined;

/** Where the registry's records lie, and how they are read and changed. All decisions are made elsewhere. */
export class ModelStore {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The state of a model; throws `NotFoundError` when there is none. */
  async state(model: string, options: OperationOptions): Promise<ModelState> {
    return existing(await this.#stored(model, options), model);
  }

  async #stored(model: string, options: OperationOptions): Promise<ModelState | undefined> {
    const stored = await readHead<ModelState>(this.#head(model), options);
    return stored && completed(stored);
  }

  /** Changes a state together with its history, then moves the records that it made to their places. */
  async change(
    model: string,
    decide: (state: ModelState | undefined) => ModelDecision,
    options: OperationOptions,
  ): Promise<{ state: ModelState | undefined; events: readonly RegistryEvent[] }> {
    const { state, events } = await changeHead<ModelState>(
      this.#head(model),
      (before) => {
        const decision = decide(before && completed(before));
        return decision && { state: decision.state, events: [decision.event] };
      },
      options,
    );
    // The change is stored by now. Where this fails, the records stay readable in the state, and the next change moves them.
    if (state) await this.settle(state, options).catch(() => undefined);
    return { state, events: events as RegistryEvent[] };
  }

  /** Writes the records that a state still holds and removes those that are to go, then takes both out of the state. */
  async settle(state: ModelState, options: OperationOptions): Promise<void> {
    const { pending = [], sweeps = [] } = state;
    if (pending.length === 0 && sweeps.length === 0) return;
    const first = pending.filter(({ edition }) => edition === undefined);
    if (first.length > 0) await this.#storage.write(first.flatMap(operationsOf), options);
    for (const record of pending) if (record.edition !== undefined) await this.#replace(record as PendingRecord & Edited, options);
    for (const sweep of sweeps) await this.#sweep(state.name, sweep, options);
    const moved = new Set(pending.map(identityOf));
    const swept = new Set(sweeps.map((sweep) => JSON.stringify(sweep)));
    await changeHead<ModelState>(
      this.#head(state.name),
      (now) => {
        if (now === undefined) return undefined;
        const left = { pending: now.pending.filter((record) => !moved.has(identityOf(record))), sweeps: (now.sweeps ?? []).filter((sweep) => !swept.has(JSON.stringify(sweep))) };
        const changed = left.pending.length < now.pending.length || left.sweeps.length < (now.sweeps?.length ?? 0);
        return changed ? { state: { ...now, ...left }, events: [] } : undefined;
      },
      options,
    );
  }

  async #replace({ key, value, edition, blobs }: PendingRecord & Edited, options: OperationOptions): Promise<void> {
    // Whoever settles an older state must not undo what a newer one made.
    const newer = (present: Partial<Edited> | undefined): Partial<Edited> => (present && (present.edition ?? -1) >= edition ? present : { ...(value as object), edition });
    await update<Partial<Edited> | undefined>(this.#storage, key, newer, { ...options, clock: this.#clock, blobs: () => blobs });
  }

  async #sweep(model: string, sweep: Sweep, options: OperationOptions): Promise<void> {
    for (const room of versionRooms) {
      // The record of a single version stays, without its contents, so that a belated write cannot bring it back.
      if ('version' in sweep && !room.below) continue;
      const prefix = `registry/${room.name}/${escapeSegment(model)}/${'version' in sweep ? `${padded(sweep.version)}/` : ''}`;
      let after: Key | undefined;
      do {
        const { entries, next } = await this.#storage.list({ prefix, after, limit: 1_000 }, options);
        const gone = entries.filter(({ key }) => 'version' in sweep || Number(key.split('/').at(room.below ? -2 : -1)) <= sweep.through);
        if (gone.length > 0) await this.#storage.write(gone.map(({ key }) => ({ kind: 'delete', key })), options);
        after = next;
      } while (after !== undefined);
    }
  }

  /** Everything that happened to a model, also to one that was deleted. */
  async history(model: string, options: OperationOptions): Promise<RegistryEvent[]> {
    if ((await this.#stored(model, options)) === undefined) throw unknownModel(model);
    return (await readHistory(this.#head(model), options)) as RegistryEvent[];
  }

  /** The version that a reference points at in `state`. Throws `NotFoundError` when it points at none, or at one that was deleted since. */
  async version(reference: ModelReference, state: ModelState, options: OperationOptions): Promise<VersionRecord> {
    const number = numberOf(reference, state);
    const [record] = await this.versions(state, [number], options);
    if (record) return record;
    const now = await this.state(state.name, options);
    if (isThere(now, number)) throw this.#missing(state.name, number);
    throw unknownVersion(now, number);
  }

  /** The version that a reference points at now, and the state in which it does. Throws `NotFoundError` when it points at none. */
  async find(reference: ModelReference, options: OperationOptions): Promise<{ state: ModelState; record: VersionRecord }> {
    for (let state = await this.state(reference.model, options); ; ) {
      const number = numberOf(reference, state);
      const [record] = await this.versions(state, [number], options);
      if (record) return { state, record };
      // It was deleted since the state was read, so that the reference points elsewhere or nowhere by now.
      state = await this.state(reference.model, options);
      if (isThere(state, number)) throw this.#missing(state.name, number);
    }
  }

  #missing(model: string, version: number): IntegrityError {
    return new IntegrityError(`The record of version ${version} of ${shown(model)} is missing from ${this.#storage.name}; restore it from a copy.`, { key: versionKey(model, version), model, version });
  }

  /** Versions by number; those that were deleted since are missing. The state must have been read before: what it holds no longer is in its place by then. Throws what hinders one of them from being read. */
  async versions(state: ModelState, numbers: readonly number[], options: OperationOptions): Promise<(VersionRecord | undefined)[]> {
    return (await this.eachVersion(state, numbers, options)).map((found) => {
      if (found && 'error' in found) throw found.error;
      return found;
    });
  }

  /** As `versions`, with why one cannot be read in the place of one that is damaged. */
  async eachVersion(state: ModelState, numbers: readonly number[], options: OperationOptions): Promise<(VersionRecord | Unreadable | undefined)[]> {
    const keys = numbers.map((number) => (isThere(state, number) ? versionKey(state.name, number) : undefined));
    // The last one of a key counts.
    const versions = new Map<Key | undefined, VersionRecord | Unreadable>(state.pending.map(({ key, value }) => [key, value as VersionRecord]));
    const missing = keys.filter((key) => key !== undefined && !versions.has(key)) as Key[];
    const found = await readEach<VersionRecord | Tombstone>(this.#storage, missing, options);
    missing.forEach((key, i) => {
      const record = found[i];
      if (record === undefined) return;
      if ('error' in record) versions.set(key, record);
      else if (!('deleted' in record.value)) versions.set(key, record.value);
    });
    return keys.map((key) => versions.get(key));
  }

  /** The evaluations of a version as of `state`, oldest first. */
  async evaluations(state: ModelState, version: number, options: OperationOptions): Promise<EvaluationRecord[]> {
    return this.#additions<EvaluationRecord>(state, evaluationPrefix(state.name, version), options);
  }

  /** What was said for and against a version as of `state`, oldest first. */
  async approvals(state: ModelState, version: number, options: OperationOptions): Promise<ApprovalRecord[]> {
    return this.#additions<ApprovalRecord>(state, approvalPrefix(state.name, version), options);
  }

  /** The signatures of a version as of `state`, oldest first. */
  async signatures(state: ModelState, version: number, options: OperationOptions): Promise<SignatureRecord[]> {
    return this.#additions<SignatureRecord>(state, signaturePrefix(state.name, version), options);
  }

  /** The newest version that is there of those that were registered with the same contents. */
  async sameContents(state: ModelState, contents: string, options: OperationOptions): Promise<VersionRecord | undefined> {
    const prefix = contentsPrefix(state.name, contents);
    const keys: Key[] = state.pending.map(({ key }) => key).filter((key) => key.startsWith(prefix));
    for await (const { key } of listAll(this.#storage, { prefix }, options)) keys.push(key);
    const numbers = keys.map((key) => Number(key.slice(prefix.length))).filter((number) => isThere(state, number));
    return numbers.length === 0 ? undefined : (await this.versions(state, [Math.max(...numbers)], options))[0];
  }

  async #additions<T extends { readonly revision: number }>(state: ModelState, prefix: string, options: OperationOptions): Promise<T[]> {
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#storage, { prefix }, options)) keys.push(key);
    const records = new Map<Key, T>();
    for (let at = 0; at < keys.length; at += 1_000) {
      const batch = keys.slice(at, at + 1_000);
      const found = await readValues<T>(this.#storage, batch, options);
      batch.forEach((key, i) => found[i] && records.set(key, found[i].value));
    }
    for (const { key, value } of state.pending) if (key.startsWith(prefix)) records.set(key, value as T);
    return [...records.values()].filter(({ revision }) => revision <= state.revision).sort((a, b) => a.revision - b.revision);
  }

  /** Part of the models; those that cannot be read hide no other. */
  async models(after: string | undefined, limit: number, options: OperationOptions): Promise<Page<ModelState> & { readonly damaged: readonly DamagedModel[] }> {
    const page = await this.#storage.list({ prefix: modelsPrefix, after: after === undefined ? undefined : modelsPrefix + after, limit }, options);
    const keys = page.entries.map(({ key }) => key);
    const items: ModelState[] = [];
    const damaged: DamagedModel[] = [];
    for (const [i, head] of (await readEachHead<ModelState>(this.#storage, keys, options)).entries()) {
      if (head === undefined) continue;
      const segment = keys[i]!.slice(modelsPrefix.length);
      if ('error' in head) damaged.push({ model: unescapeSegment(segment) ?? segment, error: describeFailure(head.error) });
      else if (head.state.deletedAt === undefined) items.push(completed(head.state));
    }
    return { items, damaged, next: page.next?.slice(modelsPrefix.length) };
  }

  /** How many events there are of each model, deleted ones included. Those in `known` whose version is still the same are not read again. */
  async heads(models: readonly string[] | undefined, known: ReadonlyMap<string, ModelHead>, options: OperationOptions): Promise<{ readonly found: readonly ModelHead[]; readonly error?: unknown }> {
    const found: ModelHead[] = [];
    let error: unknown;
    const wanted = models && new Set(models.map(escapeSegment));
    let after: Key | undefined;
    do {
      const { entries, next } = await this.#storage.list({ prefix: modelsPrefix, after, limit: 1_000 }, options);
      const listed = entries.map(({ key, version }) => ({ key, segment: key.slice(modelsPrefix.length), version })).filter(({ segment }) => wanted?.has(segment) ?? true);
      const changed = listed.filter(({ segment, version }) => known.get(segment)?.version !== version);
      const read = await readEachHead<ModelState>(this.#storage, changed.map(({ key }) => key), options);
      const sequences = new Map<string, number>();
      for (const [i, head] of read.entries()) {
        if (head && 'error' in head) error ??= head.error;
        else if (head) sequences.set(changed[i]!.segment, head.sequence);
      }
      for (const { segment, version } of listed) {
        const same = known.get(segment);
        if (same?.version === version) found.push(same);
        else if (sequences.has(segment)) found.push({ segment, version, sequence: sequences.get(segment)! });
      }
      after = next;
    } while (after !== undefined);
    return { found, error };
  }

  /** The events of the model whose key ends in `segment`, from the first to the last. */
  async historyAt(segment: string, options: OperationOptions): Promise<RegistryEvent[]> {
    return (await readHistory({ storage: this.#storage, key: modelsPrefix + segment }, options)) as RegistryEvent[];
  }

  #head(model: string): HeadLocation {
    const blobs = (state: ModelState): readonly Digest[] => [...new Set(state.pending.flatMap((record) => record.blobs))];
    return { storage: this.#storage, key: modelsPrefix + escapeSegment(model), clock: this.#clock, blobs };
  }
}

/** The state, or `NotFoundError` when there is none. */
export function existing(state: ModelState | undefined, model: string): ModelState {
  if (state && state.deletedAt === undefined) return state;
  throw unknownModel(model, state?.deletedAt);
}

function unknownModel(model: string, deletedAt?: number): NotFoundError {
  const fate = deletedAt === undefined ? 'does not exist' : `was deleted on ${new Date(deletedAt).toISOString()}`;
  return new NotFoundError(`Model ${shown(model)} ${fate}; create it with registry.createModel(${shown(model)}).`, { key: model, model });
}

/** Key of a version's record. */
export function versionKey(model: string, version: number): Key {
  return `registry/versions/${escapeSegment(model)}/${padded(version)}`;
}

/** Key of the record by which a version is found by what it holds. */
export function contentsKey(model: string, contents: string, version: number): Key {
  return contentsPrefix(model, contents) + padded(version);
}

function contentsPrefix(model: string, contents: string): string {
  return `registry/contents/${escapeSegment(model)}/${contents}/`;
}

/** Key of an approval's record. */
export function approvalKey(model: string, version: number, id: string): Key {
  return approvalPrefix(model, version) + id;
}

function approvalPrefix(model: string, version: number): string {
  return `registry/approvals/${escapeSegment(model)}/${padded(version)}/`;
}

/** Key of a signature's record. */
export function signatureKey(model: string, version: number, id: string): Key {
  return signaturePrefix(model, version) + id;
}

function signaturePrefix(model: string, version: number): string {
  return `registry/signatures/${escapeSegment(model)}/${padded(version)}/`;
}

/** Key of an evaluation's record. */
export function evaluationKey(model: string, version: number, id: string): Key {
  return evaluationPrefix(model, version) + id;
}

function evaluationPrefix(model: string, version: number): string {
  return `registry/evaluations/${escapeSegment(model)}/${padded(version)}/`;
}

// Padded, so that the order of the keys is the order of the numbers.
function padded(version: number): string {
  return String(version).padStart(9, '0');
}

/** The number that a reference stands for in a state. */
export function numberOf({ model, selector }: ModelReference, state: ModelState): number {
  const { stages, lastVersion, aliases } = state;
  if (selector === 'latest') {
    const latest = latestVersion(state);
    if (latest > 0) return latest;
    throw new NotFoundError(`Model ${shown(model)} has no version${lastVersion > 0 ? ' in use' : ' yet'}; register one with registry.registerVersion().`, { key: model, model });
  }
  if ('alias' in selector) {
    const { alias } = selector;
    if (Object.hasOwn(aliases, alias)) return aliases[alias]!;
    const known = Object.keys(aliases).sort().slice(0, 10).map((each) => shown(each));
    const others = known.length > 0 ? `its aliases are ${known.join(', ')}` : 'it has none';
    throw new NotFoundError(`Model ${shown(model)} has no alias ${shown(alias)}; ${others}. Set one with registry.setAlias().`, { key: model, model, alias });
  }
  if ('stage' in selector) {
    const version = stages[selector.stage];
    if (version !== undefined) return version;
    throw new NotFoundError(`No version of ${shown(model)} is in ${selector.stage}; promote one with registry.promote().`, { key: model, model, stage: selector.stage });
  }
  if (isThere(state, selector.version)) return selector.version;
  throw unknownVersion(state, selector.version);
}

function unknownVersion({ name, lastVersion }: ModelState, version: number): NotFoundError {
  const range =
    lastVersion === 0 ? 'it has none yet'
    : version <= lastVersion ? 'it was deleted'
    : `its newest is ${lastVersion}`;
  return new NotFoundError(`Model ${shown(name)} has no version ${version}; ${range}.`, { key: name, model: name, version });
}

/** What lies in the place of a version that was deleted. */
interface Tombstone {
  readonly version: number;
  readonly deleted: true;
}

/** Where a model's history stands. */
export interface ModelHead {
  /** The last part of its key. */
  readonly segment: string;
  /** Version of its record. */
  readonly version: Version;
  /** Number of events ever written. */
  readonly sequence: number;
}

/** Why a record cannot be read. */
interface Unreadable {
  readonly error: unknown;
}

interface Edited {
  readonly edition: number;
}

function identityOf({ key, edition }: PendingRecord): string {
  return `${key} ${edition ?? ''}`;
}

function operationsOf({ key, value, blobs, edges }: PendingRecord): PutOperation[] {
  return [{ kind: 'put', key, bytes: encode(value, key), blobs, condition: 'absent' }, ...lineageOperations(edges)];
}
