import { throwIfAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { canonicalJson, encode, storedCopy, type Encodable } from '../../core/codec.ts';
import { textOrContentChunks } from '../../core/content.ts';
import { ValidationError } from '../../core/errors.ts';
import type { Framework } from '../../core/framework.ts';
import { byPath, manifestDigest, type ModelFile } from '../../core/model-manifest.ts';
import type { Key } from '../../core/key.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import { checkSignature } from '../../core/signature/check-signature.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter, WriteOperation } from '../../storage/contract.ts';
import { lineageOperations } from '../../storage/lineage.ts';
import { update } from '../../storage/update.ts';
import { producedEdge, type ArtifactRecord } from '../artifacts/artifact-record.ts';
import { artifactMediaType } from '../artifacts/media-type.ts';
import type { ArtifactContent, ArtifactInput } from '../artifacts/write-artifact.ts';
import { checkName } from '../metric-name.ts';
import { readEach } from '../../storage/read-each.ts';
import { readValue } from '../../storage/records.ts';
import { isByName } from '../run-values.ts';
import { keys } from '../tracking-keys.ts';
import { blobsOfModel, modelFolder, producedModelEdge, type LoggedModel, type StoredModel } from './logged-model.ts';

/** A model as it is logged: its files, and what is to be known of it. */
export interface LogModelInput {
  /** Its files: contents by relative path, or a list of them such as `artifactsFromDirectory` gives. */
  files: Readonly<Record<string, ArtifactContent>> | AsyncIterable<ArtifactInput> | Iterable<ArtifactInput>;
  /** The form of its files, which says how they are loaded: `tfjs-layers`, `onnx`, `json`… @default not told */
  flavor?: string | undefined;
  /** What it was made with. @default not told */
  framework?: Framework | undefined;
  /** What it takes and gives; `signatureOf` makes it of schemas, `tfjsSignature` and `onnxSignature` of models. @default not told */
  signature?: ModelSignature | undefined;
  /** Whatever else is to be known of it, as plain data by name. @default nothing */
  metadata?: Readonly<Record<string, Encodable>> | undefined;
  /** The step of training, a whole number. @default none */
  step?: number | undefined;
}

const names: OptionNames<LogModelInput> = { files: true, flavor: true, framework: true, signature: true, metadata: true, step: true };

interface StoredFile extends ModelFile {
  readonly mediaType: string;
}

type ModelFacts = Pick<LoggedModel, 'flavor' | 'framework' | 'signature' | 'metadata' | 'step'>;

// A file's line in the record: its path and its digest, that among the blobs too, with what stands around them.
const recordBytesPerFile = 240;
const keysAtOnce = 500;

/**
 * Stores the files of a model, each under its digest, then the artifacts that name them and the lineage, and the record of the model last: a model that is there is whole. The same contents again change only what is
 * told of them; other contents are another model, and both stay.
 */
export async function writeModel(storage: StorageAdapter, clock: Clock, runId: string, name: string, model: LogModelInput, options: LongOperationOptions = {}): Promise<LoggedModel> {
  checkName(name, 'A model');
  const facts = checkFacts(storage, name, model);
  const { signal, onProgress } = options;
  const files: StoredFile[] = [];
  let listBytes = 0;
  for await (const { name: path, content, mediaType } of eachFile(name, model.files)) {
    throwIfAborted(signal, `Logging model '${name}'`);
    // The digest is not known yet, but its length is.
    checkName(`${modelFolder(name, `sha256:${'0'.repeat(64)}`)}/${path}`, `The artifact of a file of model '${name}'`);
    listBytes += recordBytesPerFile + 3 * path.length;
    if (listBytes > storage.supports.maxRecordBytes / 2) {
      throw new ValidationError(`Model '${name}' has so many files that their list does not fit into a record of ${storage.name}; pack them into archives.`, { path: 'files' });
    }
    const type = artifactMediaType(path, content, mediaType);
    files.push({ path, ...(await storage.writeBlob(textOrContentChunks(content, `File '${path}' of model '${name}'`, signal), { signal })), mediaType: type });
    onProgress?.({ phase: `logging model ${name}`, done: files.length });
  }
  checkPaths(name, files);
  files.sort(byPath);
  const manifest = files.map(({ path, size, digest }): ModelFile => ({ path, size, digest }));
  const digest = manifestDigest(manifest);
  const key = keys.model(runId, { name, digest });
  const [found] = await readEach<StoredModel>(storage, [key], { signal });
  const before = found && 'value' in found && found.value.deleting !== true ? found.value : undefined;
  const logged: LoggedModel = { name, digest, size: manifest.reduce((sum, { size }) => sum + size, 0), files: manifest, folder: modelFolder(name, digest), ...facts, loggedAt: before?.loggedAt ?? clock.now() };
  await storage.write(operationsBefore(runId, logged, files), { signal });
  // What cannot be read is mended by what was logged again.
  if (found && 'error' in found) await storage.write([{ kind: 'put', key, bytes: encode(logged), blobs: blobsOfModel(logged) }], { signal });
  let isNew = false;
  const change = (stored: StoredModel | undefined): StoredModel => {
    isNew = stored === undefined || stored.deleting === true;
    return asTold(stored, logged);
  };
  const { value } = await update<StoredModel>(storage, key, change, { clock, signal, blobs: blobsOfModel });
  // Someone may have logged and deleted it meanwhile, and taken these artifacts for those of before.
  if (isNew) await completeModel(storage, key, operationsBefore(runId, logged, files), { signal });
  return value;
}

/** Writes again what is around a model's record when some of it is not there; nothing when the record is being deleted or gone, for then so is the rest. */
async function completeModel(storage: StorageAdapter, key: Key, operations: readonly WriteOperation[], { signal }: OperationOptions): Promise<void> {
  for (let at = 0; at < operations.length; at += keysAtOnce) {
    const some = operations.slice(at, at + keysAtOnce);
    const found = await storage.read(some.map((each) => each.key), { signal, fresh: true });
    if (found.every((record) => record !== undefined)) continue;
    const now = await readValue<StoredModel>(storage, key, { signal, fresh: true });
    if (now === undefined || now.value.deleting === true) return;
    await storage.write(some.filter((_, i) => found[i] === undefined), { signal });
  }
}

/** The contents are those of before, and so are moment and step of their logging; what is told of them counts as told last. One that is being deleted is logged anew. */
function asTold(before: StoredModel | undefined, logged: LoggedModel): StoredModel {
  if (before === undefined || before.deleting === true) return logged;
  const { step: _, loggedAt: __, ...told } = logged;
  const next: LoggedModel = { ...before, ...told };
  return canonicalJson(next) === canonicalJson(before) ? before : next;
}

/** The artifacts that name the files, and the lineage. */
function operationsBefore(runId: string, model: LoggedModel, files: readonly StoredFile[]): WriteOperation[] {
  const artifacts = files.map(({ path, size, digest, mediaType }): ArtifactRecord => ({ name: `${model.folder}/${path}`, digest, size, mediaType, loggedAt: model.loggedAt }));
  return [
    ...artifacts.map((each) => ({ kind: 'put' as const, key: keys.artifact(runId, each.name), bytes: encode(each), blobs: [each.digest] })),
    ...lineageOperations([...artifacts.map((each) => producedEdge(runId, each)), producedModelEdge(runId, model)]),
  ];
}

async function* eachFile(model: string, files: LogModelInput['files']): AsyncGenerator<ArtifactInput, void, undefined> {
  if (typeof files !== 'object' || files === null) throw new ValidationError(`The files of model '${model}' are ${shown(files, 80)}; give contents by path, or a list of { name, content }.`, { path: 'files' });
  if (!(Symbol.asyncIterator in files) && !(Symbol.iterator in files)) {
    for (const [name, content] of Object.entries(files)) yield { name, content };
    return;
  }
  for await (const file of files) {
    if (!isByName(file)) throw new ValidationError(`A file of model '${model}' is ${shown(file, 80)}; give { name, content }.`, { path: 'files' });
    yield file;
  }
}

/** What is in a model can be put into a directory anywhere. */
function checkPaths(model: string, files: readonly ModelFile[]): void {
  if (files.length === 0) throw new ValidationError(`Model '${model}' has no files; give at least one.`, { path: 'files' });
  const known = new Set(files.map(({ path }) => path));
  if (known.size < files.length) throw new ValidationError(`Model '${model}' has two files of one path.`, { path: 'files' });
  for (const path of known) {
    if (/^[a-z]:/i.test(path)) throw new ValidationError(`File ${shown(path)} of model '${model}' is not relative.`, { path: 'files' });
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (known.has(folder)) throw new ValidationError(`File ${shown(path)} of model '${model}' lies in ${shown(folder)}, which is a file itself.`, { path: 'files' });
    }
  }
}

function checkFacts(storage: StorageAdapter, name: string, model: LogModelInput): ModelFacts {
  if (!isByName(model)) throw new ValidationError(`model '${name}' is ${shown(model, 80)}; give { files }.`, { path: 'model' });
  checkOptionNames(model, names, `Model '${name}'`);
  const { flavor, framework, signature, metadata, step } = model;
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  if (flavor !== undefined && !isText(flavor)) throw new ValidationError(`The flavor of model '${name}' is ${shown(flavor, 80)}; give a text such as 'onnx'.`, { path: 'model.flavor' });
  if (framework !== undefined && !(isByName(framework) && isText(framework.name) && (framework.version === undefined || isText(framework.version)))) {
    throw new ValidationError(`The framework of model '${name}' is ${shown(framework, 80)}; give { name, version }.`, { path: 'model.framework' });
  }
  if (metadata !== undefined && !isByName(metadata)) throw new ValidationError(`The metadata of model '${name}' are ${shown(metadata, 80)}; give plain data by name.`, { path: 'model.metadata' });
  if (step !== undefined && !Number.isSafeInteger(step)) throw new ValidationError(`The step of model '${name}' is ${shown(step, 80)}; give a whole number.`, { path: 'model.step' });
  const checked = signature === undefined ? undefined : checkSignature(signature, 'model.signature');
  const facts = present({ flavor, framework: framework && present({ name: framework.name, version: framework.version }), signature: checked, metadata, step });
  // Before any file is read: what cannot be stored is told of now.
  if (encode(facts, 'model').length <= storage.supports.maxRecordBytes / 4) return storedCopy(facts, 'model');
  throw new ValidationError(`What is told of model '${name}' does not fit into a record of ${storage.name}; log it as an artifact, or as one of the files.`, { path: 'model' });
}

function present(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
