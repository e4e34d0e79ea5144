import * as z from 'zod/mini';
import { fromBase64 } from '../../core/bytes.ts';
import { IntegrityError, isModelkeepError, NotFoundError, type ModelkeepError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { p1363FromDer } from './der-signature.ts';
import { payloadType, readStatement, type SignedFile } from './model-statement.ts';
import { bundleMediaType, checkSignedFiles, type SignatureBundle } from './sign-manifest.ts';
import { preAuthEncoding, readPublicKey, webCrypto, type KeySource, type PublicKey } from './signing-key.ts';

/** What verifies. */
export interface VerifyManifestOptions {
  /** The public key that must have signed: ECDSA over P-256, as a `CryptoKey`, or the text of a PEM or a JWK. */
  readonly publicKey: KeySource;
}

/** What a sound signature says. */
export interface VerifiedManifest {
  /** What its author called the model. It was signed, and says nothing of the files. */
  readonly name: string;
  /** SHA-256 of the PEM of the key, in hexadecimal. */
  readonly keyHint: string;
  /** The files that were signed, in the order of the statement. */
  readonly files: readonly SignedFile[];
}

const base64 = z.string().check(z.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64'), z.minLength(1));
const bundleSchema = z.looseObject({
  mediaType: z.literal(bundleMediaType),
  verificationMaterial: z.looseObject({ publicKey: z.optional(z.looseObject({ hint: z.optional(z.nullable(z.string())) })) }),
  dsseEnvelope: z.looseObject({
    payload: base64,
    payloadType: z.literal(payloadType),
    signatures: z.array(z.looseObject({ sig: base64 })).check(z.refine((signatures) => signatures.length === 1, 'must have one signature')),
  }),
});

type CheckedBundle = z.output<typeof bundleSchema>;

/**
 * Verifies a bundle of {@link signManifest}, or one that `model_signing sign key` wrote: that this key signed it, and that it names just these files with just these digests. The
 * digests must have been made of the bytes by the caller; `registry.verify()` does both.
 *
 * Throws `IntegrityError`, which says what is wrong and, where a file differs, is missing or is too many, names it in `details.path`; `ValidationError` for keys of another kind.
 *
 * @example
 * ```ts
 * import { isModelkeepError, signManifest, verifyManifest, type SignedFile } from 'modelkeep';
 *
 * const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
 * const signed: SignedFile[] = [{ path: 'model.json', digest: `sha256:${'0'.repeat(64)}` }];
 * const found: SignedFile[] = [{ path: 'model.json', digest: `sha256:${'1'.repeat(64)}` }];
 * const bundle = await signManifest(signed, { name: 'fraud', privateKey });
 * await verifyManifest(bundle, found, { publicKey }).catch((error: unknown) => {
 *   if (isModelkeepError(error, 'integrity')) console.log(error.details['path']); // model.json
 * });
 * ```
 */
export async function verifyManifest(bundle: SignatureBundle | string, files: readonly SignedFile[], options: VerifyManifestOptions): Promise<VerifiedManifest> {
  checkSignedFiles(files);
  return verifyWith(await readPublicKey(options.publicKey), readBundle(bundle), files);
}

/**
 * Whether one of several bundles was made with a key over just these files: what it says, or the error of the last bundle of that key.
 *
 * Throws `NotFoundError` when none of them was made with that key.
 */
export async function checkSignedBy(bundles: readonly (SignatureBundle | string)[], files: readonly SignedFile[], publicKey: KeySource): Promise<VerifiedManifest> {
  const key = await readPublicKey(publicKey);
  let failure: ModelkeepError | undefined;
  for (const bundle of bundles) {
    try {
      const checked = readBundle(bundle);
      if (isByAnotherKey(checked, key)) continue;
      return await verifyWith(key, checked, files);
    } catch (error) {
      if (!isModelkeepError(error, 'integrity')) throw error;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  const others = bundles.length === 0 ? 'it has no signature' : `its ${bundles.length === 1 ? 'signature was' : `${bundles.length} signatures were`} made with other keys`;
  throw new NotFoundError(`There is no signature of the key ${key.hint.slice(0, 12)}…: ${others}. Sign it with registry.sign().`, { key: key.hint });
}

/** A bundle that is whole, from its text or as plain data. Throws `IntegrityError`. */
function readBundle(bundle: SignatureBundle | string): CheckedBundle {
  try {
    const found = check(bundleSchema, typeof bundle === 'string' ? JSON.parse(bundle) : bundle, 'bundle');
    if (!('certificate' in found.verificationMaterial || 'x509CertificateChain' in found.verificationMaterial)) return found;
  } catch (cause) {
    const why = isModelkeepError(cause) ? cause.message : 'It is no JSON.';
    throw new IntegrityError(`The signature is no sigstore bundle 0.3 with an in-toto statement. ${why}`, { path: 'bundle', cause });
  }
  throw new IntegrityError('The signature was made with a certificate; modelkeep verifies those of keys. Verify it with model_signing or cosign.', { path: 'bundle.verificationMaterial' });
}

/**
 * The key that a bundle claims to be made with, once it is seen to be one about just these files. Whether the signature is sound takes the key to tell. Throws `IntegrityError`.
 */
export function claimedKey(bundle: SignatureBundle, files: readonly SignedFile[]): string | undefined {
  const { dsseEnvelope, verificationMaterial } = readBundle(bundle);
  compareFiles(readStatement(fromBase64(dsseEnvelope.payload)).files, files);
  return verificationMaterial.publicKey?.hint ?? undefined;
}

async function verifyWith(key: PublicKey, bundle: CheckedBundle, files: readonly SignedFile[]): Promise<VerifiedManifest> {
  if (isByAnotherKey(bundle, key)) {
    throw new IntegrityError(`The signature was made with the key ${bundle.verificationMaterial.publicKey?.hint?.slice(0, 12)}…, not with ${key.hint.slice(0, 12)}….`, { path: 'bundle.verificationMaterial.publicKey.hint', found: bundle.verificationMaterial.publicKey?.hint });
  }
  const { payload, signatures } = bundle.dsseEnvelope;
  const bytes = fromBase64(payload);
  const signature = p1363FromDer(fromBase64(signatures[0]!.sig));
  if (!(await webCrypto().verify({ name: 'ECDSA', hash: 'SHA-256' }, key.key, signature, preAuthEncoding(payloadType, bytes)))) {
    throw new IntegrityError('The signature is not one of this key over this statement: one of them was changed, or another key signed.', { path: 'bundle.dsseEnvelope' });
  }
  const statement = readStatement(bytes);
  compareFiles(statement.files, files);
  return { ...statement, keyHint: key.hint };
}

/** Throws `IntegrityError`, naming the file, unless the files are those that were signed. */
function compareFiles(signed: readonly SignedFile[], found: readonly SignedFile[]): void {
  const left = new Map(found.map(({ path, digest }) => [path, digest]));
  for (const { path, digest } of signed) {
    const present = left.get(path);
    left.delete(path);
    if (present === undefined) throw new IntegrityError(`The file ${shown(path)} was signed and is missing.`, { path, key: digest });
    if (present !== digest) throw new IntegrityError(`The file ${shown(path)} is not the one that was signed: its digest is ${present}, not ${digest}.`, { path, key: digest, found: present });
  }
  for (const [path, digest] of left) throw new IntegrityError(`The file ${shown(path)} is there and was not signed.`, { path, key: digest });
}

function isByAnotherKey({ verificationMaterial }: CheckedBundle, { hint }: PublicKey): boolean {
  const claimed = verificationMaterial.publicKey?.hint;
  return claimed !== undefined && claimed !== null && claimed !== '' && claimed !== hint;
}
