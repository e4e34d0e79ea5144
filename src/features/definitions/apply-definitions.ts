import type { NewAuditEvent } from '../../core/audit.ts';
import type { Clock } from '../../core/clock.ts';
import { canonicalJson } from '../../core/codec.ts';
import type { Digest } from '../../core/digest.ts';
import { ConflictError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { changeHead, readHead, type HeadChange } from '../../storage/head-record.ts';
import { lineageOperations, readLineage } from '../../storage/lineage.ts';
import type { Definition } from './definition.ts';
import { entityKey, serviceKey, suiteKey, viewKey, type DefinitionKind } from './definition-states.ts';
import { nextEntity } from './next-entity.ts';
import { nextFeatureView } from './next-feature-view.ts';
import { nextOnDemandView } from './next-on-demand-view.ts';
import { nextService } from './next-service.ts';
import { nextSuite } from './next-suite.ts';
import { inOrderOfNeed } from './order-of-need.ts';

/** What became of a definition that was applied. */
export interface AppliedDefinition {
  /** Which sort of definition it is. */
  readonly kind: DefinitionKind;
  /** Its name. */
  readonly name: string;
  /** Counted from 1; of an on-demand view the one that it names. */
  readonly version: number | string;
  /** Content hash of the definition. */
  readonly digest: Digest;
  /** Whether it is new, as it was, has more to give (or, of a suite of checks, asks for something else), or was changed by force. */
  readonly change: 'created' | 'unchanged' | 'extended' | 'forced';
}

/** What a definition makes of what is stored under its name. */
export interface Applied<State> {
  /** What is stored then; absent when nothing changes. */
  readonly state?: State | undefined;
  readonly version: number | string;
  readonly digest: Digest;
  readonly change: AppliedDefinition['change'];
  /** What would break for those who rely on it. */
  readonly differences: readonly string[];
  /** What it is made of. */
  readonly uses?: readonly RecordRef[] | undefined;
}

/** Looks up what is stored, what was just applied included. */
export type Lookup = <State>(key: Key) => Promise<State | undefined>;

/** Finds out what a definition makes of what is stored, whatever that is when it comes to it. */
type Prepared = (state: never, now: number) => Applied<unknown>;

/** Puts definitions in force, in the order in which they need each other. All are checked against what is stored before the first is: what is refused leaves nothing behind. */
export async function applyDefinitions(
  storage: StorageAdapter,
  clock: Clock,
  definitions: readonly Definition[],
  force: boolean,
  options: OperationOptions,
): Promise<AppliedDefinition[]> {
  const ordered = inOrderOfNeed(definitions);
  const stored: Lookup = async (key) => readHead({ storage, key }, options);
  const planned = new Map<Key, unknown>();
  const rehearsed: Lookup = async <State>(key: Key) => (planned.has(key) ? (planned.get(key) as State) : stored<State>(key));
  for (const definition of ordered) {
    const key = keyOf(definition);
    const state = await rehearsed(key);
    const { state: next } = attempt(await prepare(definition, rehearsed), state, clock.now(), definition, force);
    planned.set(key, next ?? state);
  }
  const applied = new Map<Definition, AppliedDefinition>();
  for (const definition of ordered) applied.set(definition, await store(storage, clock, definition, await prepare(definition, stored), force, options));
  return definitions.map((definition) => applied.get(definition)!);
}

async function prepare(definition: Definition, lookup: Lookup): Promise<Prepared> {
  switch (definition.kind) {
    case 'entity':
      return nextEntity(definition);
    case 'feature-view':
      return nextFeatureView(definition, lookup);
    case 'on-demand-view':
      return nextOnDemandView(definition, lookup);
    case 'feature-service':
      return nextService(definition, lookup);
    case 'check-suite':
      return nextSuite(definition);
  }
}

function attempt(prepared: Prepared, state: unknown, now: number, definition: Definition, force: boolean): Applied<unknown> {
  const applied = prepared(state as never, now);
  if (applied.differences.length === 0 || force) return applied;
  const { kind, name } = definition;
  throw new ConflictError(
    `The ${labels[kind]} '${name}' cannot be changed so, since what is made from it would break: ${applied.differences.join('; ')}. ${
      kind === 'feature-view' ? 'Give the changed features new names, or apply' : 'Give it another name, or apply'
    } with { force: true } for a new version beside the old one.`,
    { key: name, differences: applied.differences },
  );
}

const labels: Readonly<Record<DefinitionKind, string>> = { entity: 'entity', 'feature-view': 'feature view', 'on-demand-view': 'on-demand view', 'feature-service': 'feature service', 'check-suite': 'suite of checks' };

async function store(storage: StorageAdapter, clock: Clock, definition: Definition, prepared: Prepared, force: boolean, options: OperationOptions): Promise<AppliedDefinition> {
  let applied: Applied<unknown> | undefined;
  await changeHead<unknown>(
    { storage, key: keyOf(definition), clock },
    (state): HeadChange<unknown> | undefined => {
      applied = attempt(prepared, state, clock.now(), definition, force);
      return applied.state === undefined ? undefined : { state: applied.state, events: [eventOf(definition, applied)] };
    },
    options,
  );
  const { version, digest, change, uses = [] } = applied!;
  if (uses.length > 0) await noteUses(storage, clock, refOf(definition, version, digest), uses, options);
  return { kind: definition.kind, name: definition.name, version, digest, change };
}

/** What was noted before is left alone, so that applying what is known writes nothing. */
async function noteUses(storage: StorageAdapter, clock: Clock, from: RecordRef, uses: readonly RecordRef[], options: OperationOptions): Promise<void> {
  const name = (ref: RecordRef): string => canonicalJson(ref);
  const known = new Set((await readLineage(storage, 'from', from, options)).map((edge) => name(edge.to)));
  const edges = uses.filter((ref) => !known.has(name(ref))).map((to) => ({ from, relation: 'used' as const, to, at: clock.now() }));
  if (edges.length > 0) await storage.write(lineageOperations(edges), options);
}

function eventOf(definition: Definition, { version, digest, change, differences }: Applied<unknown>): NewAuditEvent {
  return {
    type: `${definition.kind}-applied`,
    subject: refOf(definition, version, digest),
    data: { change, differences },
  };
}

/** How others point at a definition: views of both sorts are views. */
function refOf({ kind, name }: Definition, version: number | string, digest: Digest): RecordRef {
  return { kind: kind === 'on-demand-view' ? 'feature-view' : kind, id: name, version, digest };
}

function keyOf({ kind, name }: Definition): Key {
  switch (kind) {
    case 'entity':
      return entityKey(name);
    case 'feature-service':
      return serviceKey(name);
    case 'check-suite':
      return suiteKey(name);
    default:
      return viewKey(name);
  }
}
