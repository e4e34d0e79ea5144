import type { Digest } from './digest.ts';

/** What can be pointed at. */
export type RecordKind =
  | 'experiment'
  | 'run'
  | 'artifact'
  | 'logged-model'
  | 'dataset'
  | 'model'
  | 'model-version'
  | 'entity'
  | 'feature-view'
  | 'feature-service'
  | 'check-suite'
  | 'pipeline'
  | 'pipeline-run'
  | 'monitor'
  | 'alert'
  | 'webhook'
  | 'deployment'
  | 'abtest'
  | 'code';

/** Points at something that modelkeep knows: by kind and id, and by version or digest where it has them. */
export interface RecordRef {
  /** What kind of thing it is. */
  readonly kind: RecordKind;
  /** The id, or the name where a name is the key (models, feature views). */
  readonly id: string;
  /** Which version of it; absent where it has none or where all are meant. */
  readonly version?: string | number | undefined;
  /** The digest of its content; absent where it has none. */
  readonly digest?: Digest | undefined;
}

/** How one thing relates to another, read from left to right: a version is `derivedFrom` a run, a run `used` a dataset. */
export type LineageRelation = 'used' | 'produced' | 'derivedFrom' | 'evaluatedOn' | 'partOf' | 'triggeredBy';

/** One edge of lineage: all domains write this, and lineage is read from nothing else. */
export interface LineageEdge {
  /** The subject of the relation. */
  readonly from: RecordRef;
  /** How `from` relates to `to`. */
  readonly relation: LineageRelation;
  /** The object of the relation. */
  readonly to: RecordRef;
  /** When the edge was recorded, epoch milliseconds. */
  readonly at: number;
}

/** A short text for a reference, such as `model-version flight-delay@3`. */
export function describeRef(ref: RecordRef): string {
  const version = ref.version === undefined ? '' : `@${ref.version}`;
  return `${ref.kind} ${ref.id}${version}`;
}
