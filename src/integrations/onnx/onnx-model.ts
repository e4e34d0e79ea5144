import { collectBytes } from '../../core/bytes.ts';
import { contentChunks, type Content } from '../../core/content.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { RegisterVersionOptions } from '../../registry/registry-options.ts';
import type { Registry } from '../../registry/registry.ts';
import { onnxSignature, type OnnxSession } from './onnx-signature.ts';

/** ONNX Runtime, by shape: `import * as ort from 'onnxruntime-web'`, or `'onnxruntime-node'`. */
export interface OnnxRuntime<Session, Options> {
  /** What makes sessions. */
  readonly InferenceSession: OnnxSessions<Session, Options>;
}

/** What makes sessions of ONNX Runtime, by shape. */
export interface OnnxSessions<Session, Options> {
  /** Makes one of the bytes of a model. */
  create(bytes: Uint8Array, options?: Options): Promise<Session>;
}

/** What a model is saved with, besides its files. */
export interface SaveOnnxOptions extends Omit<RegisterVersionOptions, 'files' | 'flavor' | 'flavorData'> {
  /** Tensors that the model keeps outside of itself, by the paths (`location`) under which it names them. @default none */
  readonly externalData?: Readonly<Record<string, Content>> | undefined;
  /**
   * ONNX Runtime, which loads the model once before it is registered: what it cannot load is not registered, and the signature is read off its session unless one is given.
   * @default not loaded
   */
  readonly ort?: OnnxRuntime<OnnxSession & Partial<ReleasableSession>, OnnxExternalData> | undefined;
}

/** How ONNX Runtime is given what a model keeps outside. */
export interface OnnxExternalData {
  /** The files, by the paths that the model names. @default none */
  externalData?: OnnxExternalFile[];
}

/** A file that a model keeps outside. */
export interface OnnxExternalFile {
  /** The path that the model names. */
  path: string;
  /** Its bytes. */
  data: Uint8Array;
}

/** A session that can be let go. */
export interface ReleasableSession {
  /** Lets go of what it holds. */
  release(): Promise<void>;
}

/** How a model is loaded. */
export interface LoadOnnxOptions<Session, Options> extends OperationOptions {
  /** ONNX Runtime, which makes the session. */
  readonly ort: OnnxRuntime<Session, Options>;
  /** What the session is made with, such as `executionProviders`. @default what ONNX Runtime takes */
  readonly sessionOptions?: Options | undefined;
}

/** A model that was loaded. */
export interface LoadedOnnx<Session> {
  /** Runs it; `release()` it when it is not needed any more. */
  readonly session: Session;
  /** The version that it is. */
  readonly version: ModelVersion;
}

const modelFile = 'model.onnx';

/**
 * Registers an ONNX model as the next version of `name`: its bytes as `model.onnx`, and what it keeps outside beside them, each under its digest. With `ort` it is loaded first, and its signature is what
 * the session tells.
 *
 * @param model - The model's bytes; whole in memory with `ort`, else streamed.
 * @throws {ValidationError} when the model has no signature that can be told; give one then.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry } from 'modelkeep';
 * import { loadOnnx, saveOnnx } from 'modelkeep/onnx';
 *
 * // In a program: import * as ort from 'onnxruntime-web';
 * const values = [{ name: 'x', isTensor: true, type: 'float32', shape: ['batch', 3] }];
 * const ort = { InferenceSession: { create: async (_model: Uint8Array) => ({ inputMetadata: values, outputMetadata: values, inputNames: ['x'] }) } };
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('fraud');
 * await saveOnnx(registry, 'fraud', new Uint8Array([8, 10]), { ort, metrics: { auc: 0.83 } });
 * const { session } = await loadOnnx(registry, 'fraud@latest', { ort });
 * console.log(session.inputNames);
 * ```
 */
export async function saveOnnx(registry: Registry, name: string, model: Content, options: SaveOnnxOptions = {}): Promise<ModelVersion> {
  const { ort, externalData = {}, ...facts } = options;
  if (Object.hasOwn(externalData, modelFile)) throw new ValidationError(`options.externalData has ${modelFile}, which is the model itself.`, { path: 'options.externalData' });
  let files: Record<string, Content> = { [modelFile]: model, ...externalData };
  let signature = facts.signature;
  if (ort !== undefined) {
    // Streams can be read only once, and what is loaded must be what is stored.
    files = Object.fromEntries(await Promise.all(Object.entries(files).map(async ([path, content]) => [path, await bytesOf(content)] as const)));
    const session = await sessionOf(ort, files as Record<string, Uint8Array>, undefined);
    try {
      signature ??= onnxSignature(session);
    } finally {
      await session.release?.();
    }
  }
  return registry.registerVersion(name, { ...facts, signature, files, flavor: 'onnx', flavorData: { externalData: Object.keys(externalData).sort() } });
}

/**
 * Loads a version that {@link saveOnnx} registered, or any with a `model.onnx`: every byte is checked against its digest before ONNX Runtime sees it. Files beside `model.onnx` are given to it
 * as external data where the version says so.
 *
 * @param ref - A reference to a version, such as `fraud@production`.
 * @throws {IntegrityError} when a file has changed, naming it; what ONNX Runtime throws comes through as it is.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry } from 'modelkeep';
 * import { loadOnnx, saveOnnx } from 'modelkeep/onnx';
 *
 * // In a program: import * as ort from 'onnxruntime-web';
 * const ort = { InferenceSession: { create: async (_model: Uint8Array, _options?: { executionProviders: string[] }) => ({ inputNames: ['x'] }) } };
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('fraud');
 * await saveOnnx(registry, 'fraud', new Uint8Array([8, 10]));
 * await registry.promote('fraud@1', 'production', { by: 'lead', reason: 'the first version' });
 * const { session, version } = await loadOnnx(registry, 'fraud@production', { ort, sessionOptions: { executionProviders: ['wasm'] } });
 * console.log(version.version, session.inputNames);
 * ```
 */
export async function loadOnnx<Session, Options extends object>(registry: Registry, ref: string, options: LoadOnnxOptions<Session, Options>): Promise<LoadedOnnx<Session>> {
  const { ort, sessionOptions, signal } = options;
  if (typeof (ort as Partial<OnnxRuntime<Session, Options>> | undefined)?.InferenceSession?.create !== 'function') {
    throw new ValidationError(`options.ort is ${shown(ort, 80)}; give ONNX Runtime: import * as ort from 'onnxruntime-web'.`, { path: 'options.ort' });
  }
  const loaded = await registry.load(ref, { signal });
  const external = loaded.version.flavorData?.['externalData'];
  const paths = [modelFile, ...(Array.isArray(external) ? (external as string[]) : [])];
  const files: Record<string, Uint8Array> = {};
  for (const path of paths) files[path] = await loaded.file(path, { signal });
  return { session: await sessionOf(ort, files, sessionOptions), version: loaded.version };
}

function sessionOf<Session, Options>(ort: OnnxRuntime<Session, Options>, { [modelFile]: model, ...external }: Record<string, Uint8Array>, options: Options | undefined): Promise<Session> {
  const externalData = Object.entries(external).map(([path, data]) => ({ path, data }));
  const all = externalData.length === 0 ? options : ({ ...options, externalData } as Options);
  return all === undefined ? ort.InferenceSession.create(model!) : ort.InferenceSession.create(model!, all);
}

async function bytesOf(content: Content): Promise<Uint8Array> {
  return collectBytes(contentChunks(content, 'model'));
}
