/** What a facet says, with who says so and by which schema. */
export interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
  readonly [field: string]: unknown;
}

/** Facets by name. */
export type Facets = Readonly<Record<string, Facet>>;

/** A job as events name it. */
export interface LineageJob {
  readonly namespace: string;
  readonly name: string;
}

/** Something that a run read or wrote. */
export interface LineageDataset extends LineageJob {
  readonly facets: Facets;
}

/** What happened to a run. */
export type RunEventType = 'START' | 'RUNNING' | 'COMPLETE' | 'FAIL' | 'ABORT';

/** A RunEvent of OpenLineage. */
export interface LineageRunEvent {
  readonly eventType: RunEventType;
  readonly eventTime: string;
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: LineageJob & { readonly facets: Facets };
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
  readonly producer: string;
  readonly schemaURL: string;
}

/** What all events of a sender have in common. */
export interface EventTerms {
  readonly namespace: string;
  readonly producer: string;
}

/** The schema that events keep to. */
export const runEventSchema = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';

// The versions of the facets' own schemas.
const facetVersions = {
  DatasetTypeDatasetFacet: '1-0-1',
  DatasetVersionDatasetFacet: '1-0-1',
  ErrorMessageRunFacet: '1-0-1',
  JobTypeJobFacet: '2-0-4',
  NominalTimeRunFacet: '1-0-1',
  ParentRunFacet: '1-2-0',
  TagsRunFacet: '1-0-0',
} as const;

/** A facet of one of the kinds of OpenLineage. */
export function facet(producer: string, kind: keyof typeof facetVersions, fields: Readonly<Record<string, unknown>>): Facet {
  return { _producer: producer, _schemaURL: `https://openlineage.io/spec/facets/${facetVersions[kind]}/${kind}.json#/$defs/${kind}`, ...fields };
}
