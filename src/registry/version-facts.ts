import * as z from 'zod/mini';
import { canonicalJson } from '../core/codec.ts';
import { isDigest, type Digest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import type { Framework } from '../core/framework.ts';
import type { ModelSignature } from '../core/signature/model-signature.ts';
import { checkDataset, type DatasetPointer, type DatasetRef } from './evaluation.ts';

/** A dataset that went into a version. */
export interface VersionDataset extends DatasetRef {
  /** What it was for, such as `training` or `validation`. */
  readonly role?: string | undefined;
}

/** The feature service whose values a version was trained on and expects. */
export interface FeatureServiceRef {
  /** Name of the service. */
  readonly service: string;
  /** Which version of it. */
  readonly version?: string | number | undefined;
  /** Digest of its definition. */
  readonly digest?: Digest | undefined;
}

/** What is told of a version besides its files: where it comes from, what it is, and who answers for it. */
export interface VersionFacts {
  /** Id of the run that made it. */
  readonly run?: string | undefined;
  /** Id of the pipeline run in which it was made. */
  readonly pipelineRun?: string | undefined;
  /** What it was trained or, with `metrics`, measured on. */
  readonly dataset?: DatasetRef | undefined;
  /** All other datasets that went into it. */
  readonly datasets?: readonly VersionDataset[] | undefined;
  /** The feature service whose values it expects. */
  readonly features?: FeatureServiceRef | undefined;
  /** What it takes and gives. */
  readonly signature?: ModelSignature | undefined;
  /** The form of its files, which says how they are loaded: `tfjs-layers`, `onnx`, `json`… */
  readonly flavor?: string | undefined;
  /** Plain data that the flavor keeps. */
  readonly flavorData?: Readonly<Record<string, unknown>> | undefined;
  /** What it was made with. */
  readonly framework?: Framework | undefined;
  /** An SPDX identifier or expression, such as `Apache-2.0`. */
  readonly licence?: string | undefined;
  /** Who made it. */
  readonly createdBy?: string | undefined;
  /** What is new in it, for people. */
  readonly description?: string | undefined;
}

/** A dataset as callers point at it, with what it was for. */
export type VersionDatasetPointer = DatasetPointer | VersionDatasetOptions;

/** A dataset by its fingerprint, with what it was for. */
export interface VersionDatasetOptions {
  /** Fingerprint of the contents, or something that has one. */
  readonly dataset: DatasetPointer;
  /** What it was for, such as `training` or `validation`. @default not told */
  readonly role?: string | undefined;
}

const text = z.string().check(z.minLength(1));
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), "must be a digest ('sha256:…')");

/** How facts are checked where they enter, but for the run and the datasets, which callers may point at in several ways. */
export const factShapes: z.core.$ZodShape = {
  pipelineRun: z.optional(text),
  features: z.optional(z.strictObject({ service: text, version: z.optional(z.union([text, z.number()])), digest: z.optional(digest) })),
  flavor: z.optional(text),
  flavorData: z.optional(z.record(z.string(), z.unknown())),
  framework: z.optional(z.strictObject({ name: text, version: z.optional(text) })),
  licence: z.optional(text),
  createdBy: z.optional(z.string()),
  description: z.optional(z.string()),
};

/** Facts as they are sent and stored. */
export const storedFactShapes: z.core.$ZodShape = {
  ...factShapes,
  run: z.optional(text),
  dataset: z.optional(z.strictObject({ digest, name: z.optional(text) })),
  signature: z.optional(z.unknown()),
  datasets: z.optional(z.array(z.strictObject({ digest, name: z.optional(text), role: z.optional(text) }))),
};

/** The datasets that a caller points at. */
export function checkDatasets(pointers: readonly VersionDatasetPointer[], path: string): VersionDataset[] {
  if (!Array.isArray(pointers)) throw new ValidationError(`${path} must be an array of datasets.`, { path });
  return (pointers as readonly VersionDatasetPointer[]).map((pointer, i) => {
    const where = `${path}[${i}]`;
    const { dataset, role } = typeof pointer === 'object' && pointer !== null && 'dataset' in pointer ? pointer : { dataset: pointer, role: (pointer as { role?: unknown } | null)?.role };
    if (role !== undefined && (typeof role !== 'string' || role === '')) throw new ValidationError(`${where}.role must be a text that is not empty.`, { path: `${where}.role` });
    const ref = checkDataset(dataset, where);
    return role === undefined ? ref : { ...ref, role };
  });
}

/** Checks that what a flavor keeps can be stored, before anything is. */
export function checkFlavorData(data: Readonly<Record<string, unknown>> | undefined): void {
  if (data !== undefined) canonicalJson(data, 'options.flavorData');
}
