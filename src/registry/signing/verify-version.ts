import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import { isModelkeepError, IntegrityError, NotFoundError } from '../../core/errors.ts';
import { progressOption, signalOption } from '../../core/option-schemas.ts';
import type { LongOperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { LoadedModel } from '../loaded-model.ts';
import type { ModelVersion } from '../model-version.ts';
import { keyOption, type KeySource } from './signing-key.ts';
import { checkSignedBy } from './verify-manifest.ts';
import type { VerifiedVersion, VersionSignature } from './version-signature.ts';

/** What a version is verified with. */
export interface VerifyVersionOptions extends LongOperationOptions {
  /** The public key that must have signed: ECDSA over P-256, as a `CryptoKey`, or the text of a PEM or a JWK. */
  readonly publicKey: KeySource;
}

const schema = z.strictObject({ publicKey: keyOption, signal: signalOption, onProgress: progressOption });

/** Checks the options of `verify`. */
export function checkVerifyOptions(options: VerifyVersionOptions): VerifyVersionOptions {
  return check(schema, options, 'options');
}

/** Whether a key signed just the files that a version has, and whether the store holds the bytes of each, which are read as streams. */
export async function verifyVersion(
  storage: StorageAdapter,
  version: ModelVersion,
  signatures: readonly VersionSignature[],
  { publicKey, signal, onProgress }: VerifyVersionOptions,
): Promise<VerifiedVersion> {
  const { model, version: number, files, size } = version;
  const about = `${model}@${number}`;
  const { name, keyHint } = await checkSignedBy(signatures.map(({ bundle }) => bundle), files, publicKey).catch((cause: unknown) => {
    const facts = { model, version: number, cause };
    if (isModelkeepError(cause, 'integrity')) throw new IntegrityError(`${about} is not what was signed. ${cause.message}`, { ...cause.details, ...facts });
    if (isModelkeepError(cause, 'not-found')) throw new NotFoundError(`${about} is not signed by this key. ${cause.message}`, { ...cause.details, ...facts });
    throw cause;
  });
  const loaded = new LoadedModel(storage, version);
  let done = 0;
  for (const file of files) {
    for await (const chunk of loaded.stream(file.path, { signal })) {
      throwIfAborted(signal, `Verifying ${shown(about)}`);
      done += chunk.length;
      onProgress?.({ phase: 'reading files', done, total: size });
    }
  }
  return { model, version: number, name, keyHint, files: files.length, size };
}
