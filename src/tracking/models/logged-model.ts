import type { Encodable } from '../../core/codec.ts';
import type { Digest } from '../../core/digest.ts';
import type { Framework } from '../../core/framework.ts';
import type { ModelFile } from '../../core/model-manifest.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { LineageEdge } from '../../core/record-ref.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readSoundUnder, type DamageListener } from '../../storage/read-each.ts';
import { keys } from '../tracking-keys.ts';

/** A model that a run logged: the files of one moment, such as a checkpoint. */
export interface LoggedModel {
  /** What the run calls it; other contents under the same name are another model of the run. */
  readonly name: string;
  /** Identity of the contents, as of a version in a registry: the digest over the paths, sizes and digests of all files. */
  readonly digest: Digest;
  /** Bytes of all files. */
  readonly size: number;
  /** In the order of their paths. */
  readonly files: readonly ModelFile[];
  /** The folder among the artifacts of the run in which its files are: the artifact of a file is named `<folder>/<path>`. */
  readonly folder: string;
  /** The form of its files, which says how they are loaded: `tfjs-layers`, `onnx`, `json`… */
  readonly flavor?: string | undefined;
  /** What it was made with. */
  readonly framework?: Framework | undefined;
  /** What it takes and gives. */
  readonly signature?: ModelSignature | undefined;
  /** Whatever else was told of it. */
  readonly metadata?: Readonly<Record<string, Encodable>> | undefined;
  /** The step of training at which these contents were first logged. */
  readonly step?: number | undefined;
  /** When these contents were first logged, epoch milliseconds. */
  readonly loggedAt: number;
}

/** A model as it is stored. */
export interface StoredModel extends LoggedModel {
  /** Whether someone has begun to delete it; it is not seen any more then. */
  readonly deleting?: true;
}

/** The blobs that a record of a model keeps. */
export function blobsOfModel({ files }: LoggedModel): readonly Digest[] {
  return [...new Set(files.map(({ digest }) => digest))];
}

/** Where the files of a model lie among the artifacts of a run; other contents lie elsewhere, so that no checkpoint takes the place of one before. */
export function modelFolder(name: string, digest: Digest): string {
  return `models/${name}/${digest.slice('sha256:'.length, 'sha256:'.length + 16)}`;
}

/** The models that a run logged, oldest first; records that cannot be read are told of and left out. */
export async function readModels(storage: StorageAdapter, runId: string, onDamage: DamageListener, options: OperationOptions): Promise<LoggedModel[]> {
  const found: LoggedModel[] = [];
  for await (const model of readSoundUnder<StoredModel>(storage, keys.models(runId), onDamage, options)) if (model.deleting !== true) found.push(model);
  return found.sort((a, b) => a.loggedAt - b.loggedAt || (a.step ?? 0) - (b.step ?? 0));
}

/** That a run produced a model. */
export function producedModelEdge(runId: string, { name, digest, loggedAt }: LoggedModel): LineageEdge {
  return { from: { kind: 'run', id: runId }, relation: 'produced', to: { kind: 'logged-model', id: `${runId}/${name}`, digest }, at: loggedAt };
}
