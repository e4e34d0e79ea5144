import * as z from 'zod/mini';
import { concatBytes, fromBase64, toBase64, toHex, utf8 } from '../../core/bytes.ts';
import { digestOf } from '../../core/digest.ts';
import { UnsupportedError, ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** A key of WebCrypto, by shape: a `CryptoKey` of a browser or of Node. */
export interface WebCryptoKey {
  /** Which half of a pair it is. */
  readonly type: string;
  /** Whether it may leave WebCrypto. */
  readonly extractable: boolean;
  /** What it is for, such as `{ name: 'ECDSA', namedCurve: 'P-256' }`. */
  readonly algorithm: WebCryptoAlgorithm;
  /** What it may be used for. */
  readonly usages: readonly string[];
}

/** What a key of WebCrypto is for. */
export interface WebCryptoAlgorithm {
  /** Name of the algorithm. */
  readonly name: string;
}

/** A key of ECDSA over P-256: a `CryptoKey`, or the text of a PEM (PKCS#8, SEC 1 or SPKI) or a JWK. */
export type KeySource = WebCryptoKey | string;

/** A key, before it is looked into. */
export const keyOption: z.ZodMiniType<KeySource> = z.custom<KeySource>(
  (value) => typeof value === 'string' || (typeof value === 'object' && value !== null && typeof (value as Partial<WebCryptoKey>).algorithm === 'object'),
  'must be a CryptoKey, or the text of a PEM or a JWK',
);

/** A public key, ready for use. */
export interface PublicKey {
  readonly key: WebCryptoKey;
  /** SHA-256, in hexadecimal, of its PEM: how bundles point at it. */
  readonly hint: string;
}

/** What this needs of WebCrypto. */
interface Subtle {
  importKey(format: string, data: unknown, algorithm: object, extractable: boolean, usages: readonly string[]): Promise<WebCryptoKey>;
  exportKey(format: string, key: WebCryptoKey): Promise<unknown>;
  sign(algorithm: object, key: WebCryptoKey, data: Uint8Array): Promise<ArrayBuffer>;
  verify(algorithm: object, key: WebCryptoKey, signature: Uint8Array, data: Uint8Array): Promise<boolean>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const p256 = '06082a8648ce3d030107';
const ecPublicKey = '06072a8648ce3d0201';
const otherKinds = [
  ['06052b81040022', 'on the curve P-384'],
  ['06052b81040023', 'on the curve P-521'],
  ['06052b8104000a', 'on the curve secp256k1'],
  ['06092a864886f70d010101', 'of RSA'],
  ['06032b6570', 'of Ed25519'],
] as const;

/** The host's WebCrypto. Throws `UnsupportedError` where there is none. */
export function webCrypto(): Subtle {
  const { crypto } = globalThis as { crypto?: { subtle?: Subtle } };
  if (crypto?.subtle) return crypto.subtle;
  throw new UnsupportedError('There is no WebCrypto here to sign and verify with: pages have it only where they come over HTTPS or from localhost.');
}

/** A private key, ready for use, and its public key where `given` is absent. Throws `ValidationError`, which never quotes the key. */
export async function readPrivateKey(source: KeySource, given: KeySource | undefined): Promise<{ readonly key: WebCryptoKey; readonly publicKey: PublicKey }> {
  const key = await importKey(source, 'private');
  if (given !== undefined) return { key, publicKey: await readPublicKey(given) };
  if (!key.extractable) {
    throw new ValidationError('options.privateKey cannot be exported, so its public key is not known; give that as options.publicKey.', { path: 'options.publicKey' });
  }
  const { x, y } = (await webCrypto().exportKey('jwk', key)) as { x: string; y: string };
  return { key, publicKey: await described(await webCrypto().importKey('jwk', { kty: 'EC', crv: 'P-256', x, y }, algorithm, true, ['verify'])) };
}

/** A public key, ready for use. Throws `ValidationError` for anything else. */
export async function readPublicKey(source: KeySource): Promise<PublicKey> {
  const key = await importKey(source, 'public');
  // Without its bytes there is no telling whether a bundle means this key.
  if (!key.extractable) throw new ValidationError('options.publicKey cannot be exported; import it as extractable, or give it as PEM.', { path: 'options.publicKey' });
  return described(key);
}

async function described(key: WebCryptoKey): Promise<PublicKey> {
  const lines = toBase64(new Uint8Array((await webCrypto().exportKey('spki', key)) as ArrayBuffer)).match(/.{1,64}/g)!;
  const pem = `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
  return { key, hint: digestOf(pem).slice('sha256:'.length) };
}

async function importKey(source: KeySource, type: 'private' | 'public'): Promise<WebCryptoKey> {
  const path = `options.${type}Key`;
  if (typeof source === 'object' && source !== null && typeof source.algorithm === 'object') return checkKey(source, type, path);
  if (typeof source !== 'string') throw new ValidationError(`${path} must be a CryptoKey, or the text of a PEM or a JWK.`, { path });
  const usages = [type === 'private' ? 'sign' : 'verify'];
  const [format, data] = source.trimStart().startsWith('{') ? (['jwk', readJwk(source, type, path)] as const) : readPem(source, type, path);
  try {
    return await webCrypto().importKey(format, data, algorithm, true, usages);
  } catch (cause) {
    throw new ValidationError(`${path} is no sound key of ECDSA over P-256.`, { path, cause });
  }
}

function checkKey(key: WebCryptoKey, type: 'private' | 'public', path: string): WebCryptoKey {
  const { name, namedCurve } = key.algorithm as WebCryptoAlgorithm & { namedCurve?: string };
  const usage = type === 'private' ? 'sign' : 'verify';
  const problem =
    key.type !== type ? `is a ${key.type} key; it must be the ${type} one`
    : name !== 'ECDSA' || namedCurve !== 'P-256' ? `is of ${name}${namedCurve === undefined ? '' : ` over ${namedCurve}`}; it must be of ECDSA over P-256`
    : !key.usages.includes(usage) ? `may not be used to ${usage}; import it with that usage`
    : undefined;
  if (problem !== undefined) throw new ValidationError(`${path} ${problem}.`, { path });
  return key;
}

function readJwk(text: string, type: 'private' | 'public', path: string): object {
  let jwk: Readonly<Record<string, unknown>>;
  try {
    jwk = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw new ValidationError(`${path} begins like a JWK, and is no JSON.`, { path });
  }
  const { kty, crv, x, y, d } = jwk;
  if (kty !== 'EC' || crv !== 'P-256') {
    throw new ValidationError(`${path} is a JWK of ${shown(kty)}${crv === undefined ? '' : ` over ${shown(crv)}`}; it must be of EC over P-256.`, { path });
  }
  if ((d !== undefined) !== (type === 'private')) throw new ValidationError(`${path} is a ${d === undefined ? 'public' : 'private'} key; it must be the ${type} one.`, { path });
  // What else the text says, such as key_ops, is of no concern here and may contradict its use.
  return { kty, crv, x, y, ...(type === 'private' && { d }) };
}

function readPem(text: string, type: 'private' | 'public', path: string): readonly [format: string, der: Uint8Array] {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)].filter(([, label]) => label !== 'EC PARAMETERS');
  const [, label, body = ''] = blocks[0] ?? [];
  const problem =
    label === undefined ? 'is neither PEM nor a JWK'
    : blocks.length > 1 ? 'has more than one key'
    : label === 'ENCRYPTED PRIVATE KEY' || body.includes('ENCRYPTED') ? 'is encrypted; decrypt it first: openssl pkey -in key.pem'
    : label === 'CERTIFICATE' ? 'is a certificate; give its public key: openssl x509 -pubkey -noout'
    : type === 'public' && label.endsWith('PRIVATE KEY') ? 'is a private key; it must be the public one'
    : type === 'private' && label === 'PUBLIC KEY' ? 'is a public key; it must be the private one'
    : !['PRIVATE KEY', 'EC PRIVATE KEY', 'PUBLIC KEY'].includes(label) ? `is a PEM of ${label}; it must be of PRIVATE KEY, EC PRIVATE KEY or PUBLIC KEY`
    : undefined;
  if (problem !== undefined) throw new ValidationError(`${path} ${problem}.`, { path });
  const base64 = body.replaceAll(/\s/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) throw new ValidationError(`${path} is a PEM that does not hold base64.`, { path });
  const der = fromBase64(base64);
  const hex = toHex(der);
  if (!hex.includes(p256)) {
    const kind = otherKinds.find(([oid]) => hex.includes(oid))?.[1] ?? 'of another kind';
    throw new ValidationError(`${path} is a key ${kind}; it must be of ECDSA over P-256: openssl ecparam -name prime256v1 -genkey -noout.`, { path });
  }
  if (label === 'PUBLIC KEY') return ['spki', der];
  return ['pkcs8', label === 'PRIVATE KEY' ? der : pkcs8(der)];
}

/** What WebCrypto takes, from a key as OpenSSL writes those of elliptic curves (SEC 1): the same, with a name in front. */
function pkcs8(sec1: Uint8Array): Uint8Array {
  const hex = `020100${tagged('30', ecPublicKey + p256)}${tagged('04', toHex(sec1))}`;
  return bytesOf(tagged('30', hex));
}

function tagged(tag: string, hex: string): string {
  const length = hex.length / 2;
  return `${tag}${length < 0x80 ? '' : '81'}${length.toString(16).padStart(2, '0')}${hex}`;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

/** What a signature is made over: the type and the bytes of a payload, so joined that neither can pass for the other (DSSE v1). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  return concatBytes([utf8(`DSSEv1 ${utf8(payloadType).length} ${payloadType} ${payload.length} `), payload]);
}
