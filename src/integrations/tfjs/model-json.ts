import { canonicalJson } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { UnsupportedError, ValidationError } from '../../core/errors.ts';
import type { TfjsArtifacts, TfjsWeightSpec } from './tfjs-artifacts.ts';

/** The file that every model of TensorFlow.js has. */
export const modelFile = 'model.json';

/** What stands in a set of files. */
export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: TfjsWeightSpec[];
}

const keptFields = ['format', 'generatedBy', 'convertedBy', 'modelTopology', 'trainingConfig', 'signature', 'userDefinedMetadata', 'modelInitializer', 'initializerSignature'] as const;

/** What `model.json` holds besides the topology, and what it weighs. */
export interface WrittenModel {
  readonly text: string;
  readonly topologyDigest: Digest | undefined;
  readonly topologyBytes: number;
  readonly specsBytes: number;
}

/** The text of `model.json`, as TensorFlow.js' own loaders read it, with the weights in the files of `paths`. */
export function writeModelJson(artifacts: TfjsArtifacts, paths: readonly string[] | undefined): WrittenModel {
  const { modelTopology, weightSpecs } = artifacts;
  if (modelTopology instanceof ArrayBuffer) {
    throw new UnsupportedError('artifacts.modelTopology is binary, which no version of TensorFlow.js since 1.0 loads; convert the model to JSON with tensorflowjs_converter.', { path: 'artifacts.modelTopology' });
  }
  const fields = Object.fromEntries(keptFields.flatMap((name) => (artifacts[name] === undefined ? [] : [[name, artifacts[name]]])));
  const weightsManifest = paths === undefined ? undefined : [{ paths, weights: weightSpecs }];
  const topology = modelTopology === undefined ? undefined : jsonOf(modelTopology, 'modelTopology');
  return {
    text: jsonOf({ ...fields, weightsManifest }, 'artifacts'),
    topologyDigest: topology === undefined ? undefined : digestOf(canonicalJson(JSON.parse(topology))),
    topologyBytes: topology?.length ?? 0,
    specsBytes: weightSpecs === undefined ? 0 : jsonOf(weightSpecs, 'weightSpecs').length,
  };
}

/** What a `model.json` says, and the groups of its weights; throws `ValidationError`, naming `what`, when it is none. */
export function readModelJson(text: string, what: string): { readonly fields: TfjsArtifacts; readonly groups: readonly WeightGroup[] | undefined } {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new ValidationError(`${what} is not JSON; register a model that TensorFlow.js saved.`, { path: modelFile, cause });
  }
  if (typeof json !== 'object' || json === null || (json['modelTopology'] === undefined && json['weightsManifest'] === undefined)) {
    throw new ValidationError(`${what} has neither a modelTopology nor a weightsManifest; register a model that TensorFlow.js saved.`, { path: modelFile });
  }
  const groups = readGroups(json['weightsManifest'], what);
  const fields = Object.fromEntries(keptFields.flatMap((name) => (json[name] === undefined ? [] : [[name, json[name]]])));
  return { fields, groups };
}

function readGroups(manifest: unknown, what: string): readonly WeightGroup[] | undefined {
  if (manifest === undefined) return undefined;
  const refuse = (why: string): never => {
    throw new ValidationError(`${what} has a weightsManifest ${why}.`, { path: modelFile });
  };
  const groups: readonly unknown[] = Array.isArray(manifest) ? manifest : refuse('without paths or weights');
  return groups.map((group): WeightGroup => {
    const { paths, weights } = (group ?? {}) as Readonly<Record<string, unknown>>;
    if (!Array.isArray(paths) || !Array.isArray(weights)) return refuse('without paths or weights');
    if (!paths.every((path) => typeof path === 'string')) return refuse('with a path that is no text');
    for (const [i, weight] of (weights as unknown[]).entries()) {
      const { name, dtype, shape } = (weight ?? {}) as Readonly<Record<string, unknown>>;
      const sound = typeof name === 'string' && typeof dtype === 'string' && Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
      if (!sound) return refuse(`whose weight ${i} lacks a name, a dtype or a shape of whole numbers`);
    }
    return { paths, weights: weights as TfjsWeightSpec[] };
  });
}

/** JSON has null for NaN and ±Infinity: a model would come back as another one. */
function jsonOf(value: unknown, path: string): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (typeof part === 'bigint' || (typeof part === 'number' && !Number.isFinite(part))) {
      throw new ValidationError(`${path} has ${String(part)} under '${key}', which model.json cannot hold; store it as a text.`, { path: `${path}.${key}` });
    }
    return part;
  });
}
