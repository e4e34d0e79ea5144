import { toBase64 } from '../../core/bytes.ts';
import { isDigest } from '../../core/digest.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { derFromP1363 } from './der-signature.ts';
import { payloadType, writeStatement, type SignedFile } from './model-statement.ts';
import { preAuthEncoding, readPrivateKey, webCrypto, type KeySource } from './signing-key.ts';

/** What signs. */
export interface SignOptions {
  /** What the model is called in the statement, for people: `model@version`, or the name of its directory. */
  readonly name: string;
  /** The private key: ECDSA over P-256, as a `CryptoKey`, or the text of a PEM (PKCS#8 or SEC 1) or a JWK. */
  readonly privateKey: KeySource;
  /** Its public key; needed only where the private one is a `CryptoKey` that cannot be exported. @default taken from the private key */
  readonly publicKey?: KeySource | undefined;
}

/** A signature of a model as a sigstore bundle, version 0.3: what `model_signing` writes into `model.sig`, as plain data. */
export interface SignatureBundle {
  /** Which version of the bundle it is. */
  readonly mediaType: string;
  /** What it is verified with. */
  readonly verificationMaterial: VerificationMaterial;
  /** What was signed, and the signature. */
  readonly dsseEnvelope: DsseEnvelope;
}

/** What a bundle is verified with. */
export interface VerificationMaterial {
  /** The key that it was made with. */
  readonly publicKey: PublicKeyHint;
  /** Entries of a transparency log; none for keys of one's own. */
  readonly tlogEntries: readonly unknown[];
}

/** What points at a public key. */
export interface PublicKeyHint {
  /** SHA-256 of its PEM, in hexadecimal. */
  readonly hint: string;
}

/** What was signed, and the signature (DSSE v1). */
export interface DsseEnvelope {
  /** The statement, in base64. */
  readonly payload: string;
  /** What kind of statement it is. */
  readonly payloadType: string;
  /** The signature, just one. */
  readonly signatures: readonly DsseSignature[];
}

/** A signature within an envelope. */
export interface DsseSignature {
  /** The signature, DER in base64. */
  readonly sig: string;
  /** Not used. */
  readonly keyid: string;
}

/** The media type of sigstore bundles, version 0.3. */
export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/**
 * Signs files by their digests, as OpenSSF model signing 1.0 does: an in-toto statement in a DSSE envelope in a sigstore bundle, which `model_signing verify key` and
 * other tools verify too. ECDSA over P-256 with SHA-256, by WebCrypto, in Node and in browsers. It is pure: nothing is read and nothing is stored. `registry.sign()` does this for a version.
 *
 * Throws `ValidationError` for keys of another kind, none of which it quotes.
 *
 * @example
 * ```ts
 * import { signManifest, verifyManifest, type SignedFile } from 'modelkeep';
 *
 * const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
 * const files: SignedFile[] = [{ path: 'model.json', digest: `sha256:${'0'.repeat(64)}` }];
 * const bundle = await signManifest(files, { name: 'fraud', privateKey });
 * const { name } = await verifyManifest(bundle, files, { publicKey });
 * console.log(name); // fraud
 * ```
 */
export async function signManifest(files: readonly SignedFile[], options: SignOptions): Promise<SignatureBundle> {
  checkSignedFiles(files);
  const { key, publicKey } = await readPrivateKey(options.privateKey, options.publicKey);
  const payload = writeStatement({ name: options.name, files });
  const encoded = preAuthEncoding(payloadType, payload);
  const signature = new Uint8Array(await webCrypto().sign({ name: 'ECDSA', hash: 'SHA-256' }, key, encoded));
  // Given both halves, a caller may have mixed up two pairs.
  if (options.publicKey !== undefined && !(await webCrypto().verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey.key, signature, encoded))) {
    throw new ValidationError('options.publicKey is not that of options.privateKey.', { path: 'options.publicKey' });
  }
  return {
    mediaType: bundleMediaType,
    verificationMaterial: { publicKey: { hint: publicKey.hint }, tlogEntries: [] },
    dsseEnvelope: { payload: toBase64(payload), payloadType, signatures: [{ sig: toBase64(derFromP1363(signature)), keyid: '' }] },
  };
}

/** Checks files that callers name. */
export function checkSignedFiles(files: readonly SignedFile[]): void {
  const paths = new Set<string>();
  for (const [i, { path, digest }] of files.entries()) {
    const where = `files[${i}]`;
    if (typeof path !== 'string' || path === '') throw new ValidationError(`${where}.path is ${shown(path)}; it must be a path.`, { path: `${where}.path` });
    if (!isDigest(digest)) throw new ValidationError(`${where}.digest is ${shown(digest)}; it must be a digest ('sha256:…').`, { path: `${where}.digest` });
    if (paths.has(path)) throw new ValidationError(`${where}.path is ${shown(path)}, which another file has already.`, { path: `${where}.path` });
    paths.add(path);
  }
  if (paths.size === 0) throw new ValidationError('files is empty; there is nothing to sign.', { path: 'files' });
}
