import { IntegrityError, NotFoundError, isModelkeepError } from '../core/errors.ts';
import { manifestDigest, type ModelFile } from '../core/model-manifest.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { ModelVersion } from './model-version.ts';

/**
 * A version of a model, ready to be read. Every file is checked against the digest that it was registered with while it is read: what `file` resolves to is
 * what was registered, to the byte. `registry.load()` makes it.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry } from 'modelkeep';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('fraud');
 * await registry.registerVersion('fraud', { files: { 'model.json': '{"layers":2}', 'weights.bin': new Uint8Array(8) } });
 * const loaded = await registry.load('fraud@latest');
 * console.log(loaded.files().map((file) => file.path)); // [ 'model.json', 'weights.bin' ]
 * const weights = await loaded.file('weights.bin');
 * for await (const chunk of loaded.stream('model.json')) console.log(chunk.length);
 * ```
 */
export class LoadedModel {
  /** The version as it stood when it was loaded. */
  readonly version: ModelVersion;
  readonly #storage: StorageAdapter;
  readonly #files: ReadonlyMap<string, ModelFile>;

  /** Use `registry.load()`. Throws `IntegrityError` when the list of files is not the one that was registered. */
  constructor(storage: StorageAdapter, version: ModelVersion) {
    this.version = version;
    this.#storage = storage;
    this.#files = new Map(version.files.map((file) => [file.path, file]));
    const found = manifestDigest(version.files);
    if (found !== version.digest) {
      throw new IntegrityError(`The list of files of ${this.#name} is not the one that was registered: it hashes to ${found}. Restore its record from a copy.`, {
        ...this.#facts,
        key: version.digest,
        found,
      });
    }
  }

  /** The files, in the order of their paths. */
  files(): readonly ModelFile[] {
    return this.version.files;
  }

  /**
   * The whole of a file. Throws `NotFoundError` when the version has no such file, and `IntegrityError`, naming model, version and file, when its bytes are
   * missing or are not those that were registered.
   */
  async file(path: string, options?: OperationOptions): Promise<Uint8Array> {
    const file = this.#find(path);
    const bytes = new Uint8Array(file.size);
    let at = 0;
    for await (const chunk of this.stream(path, options)) {
      if (at + chunk.length > file.size) throw this.#damaged(file, `has more than the ${file.size} bytes that were registered`);
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /**
   * The bytes of a file as they come, for files that should not be in memory whole. Throws as {@link LoadedModel.file} does, at the latest behind the last
   * chunk: trust none before that.
   */
  async *stream(path: string, options: OperationOptions = {}): AsyncGenerator<Uint8Array> {
    const file = this.#find(path);
    let size = 0;
    try {
      const chunks = await this.#storage.readBlob(file.digest, { signal: options.signal });
      if (chunks === undefined) throw this.#damaged(file, 'is missing from the store');
      for await (const chunk of chunks) {
        size += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (!isModelkeepError(error, 'integrity') || error.details['path'] === path) throw error;
      throw this.#damaged(file, 'has changed since it was registered', error);
    }
    if (size !== file.size) throw this.#damaged(file, `has ${size} bytes where ${file.size} were registered`);
  }

  #find(path: string): ModelFile {
    const file = this.#files.get(path);
    if (file) return file;
    const paths = this.version.files.slice(0, 20).map((each) => shown(each.path)).join(', ');
    throw new NotFoundError(`${this.#name} has no file ${shown(path)}; it has ${paths}.`, { ...this.#facts, key: path });
  }

  get #name(): string {
    return `${this.version.model}@${this.version.version}`;
  }

  get #facts(): { model: string; version: number } {
    return { model: this.version.model, version: this.version.version };
  }

  #damaged(file: ModelFile, what: string, cause?: unknown): IntegrityError {
    return new IntegrityError(`The file ${shown(file.path)} of ${this.#name} ${what}; restore it from a copy, or roll back to another version.`, {
      ...this.#facts,
      key: file.digest,
      path: file.path,
      cause,
    });
  }
}
