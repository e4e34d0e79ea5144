import * as z from 'zod/mini';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { ModelVersion } from '../model-version.ts';
import { signManifest, type SignatureBundle } from './sign-manifest.ts';
import { keyOption, type KeySource } from './signing-key.ts';

/** Who signs a version, why, and with what. */
export interface SignVersionOptions extends OperationOptions {
  /** The private key: ECDSA over P-256, as a `CryptoKey`, or the text of a PEM (PKCS#8 or SEC 1) or a JWK. It does not leave this process. */
  readonly privateKey: KeySource;
  /** Its public key; needed only where the private one is a `CryptoKey` that cannot be exported. @default taken from the private key */
  readonly publicKey?: KeySource | undefined;
  /** Who signs, for the history. */
  readonly by: string;
  /** Why, for the history. */
  readonly reason: string;
}

const text = z.string().check(z.minLength(1));
const schema = z.strictObject({ privateKey: keyOption, publicKey: z.optional(keyOption), by: text, reason: text, signal: signalOption });

/** Checks the options of `sign`. */
export function checkSignOptions(options: SignVersionOptions): SignVersionOptions {
  return check(schema, options, 'options');
}

/** What is recorded of a version that is signed here: the private key is no part of it. */
export async function signVersion(
  { model, version, files }: ModelVersion,
  { privateKey, publicKey, by, reason }: SignVersionOptions,
): Promise<{ readonly ref: string; readonly bundle: SignatureBundle; readonly by: string; readonly reason: string }> {
  const ref = `${model}@${version}`;
  return { ref, bundle: await signManifest(files, { name: ref, privateKey, publicKey }), by, reason };
}
