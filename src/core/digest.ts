import { toHex, utf8 } from './bytes.ts';
import { ValidationError } from './errors.ts';
import { Sha256 } from './sha256.ts';
import { shown } from './shown.ts';

/** The content address of bytes: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** Takes bytes piece by piece and names their digest. */
export interface Hasher {
  /** Takes the next bytes. */
  update(bytes: Uint8Array): void;
  /** The digest of all that was taken; ends the hasher. */
  digest(): Digest;
}

const pattern = /^sha256:[0-9a-f]{64}$/;

/** Whether `text` is a digest. */
export function isDigest(text: string): text is Digest {
  return typeof text === 'string' && pattern.test(text);
}

/** Returns `digest` when it is one; otherwise throws `ValidationError`. */
export function assertDigest(digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw new ValidationError(`${shown(digest)} is not a digest: 'sha256:' and 64 lower-case hexadecimal digits.`, { key: shown(digest) });
}

interface NativeHash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'hex'): string;
}

/** What hosts with Node's modules have; a page has only WebCrypto, which cannot hash piece by piece. */
interface HostWithModules {
  readonly process?: { getBuiltinModule?(name: string): { createHash(algorithm: string): NativeHash } | undefined };
}

/** A SHA-256 hasher: the host's native code where it can hash piece by piece, which is several times as fast, and plain JavaScript elsewhere. */
export function createHasher(): Hasher {
  const hash = (globalThis as HostWithModules).process?.getBuiltinModule?.('node:crypto')?.createHash('sha256');
  const plain = hash === undefined ? new Sha256() : undefined;
  return {
    update(bytes) {
      (hash ?? plain!).update(bytes);
    },
    digest: () => `sha256:${hash?.digest('hex') ?? toHex(plain!.digest())}`,
  };
}

/** The digest of bytes, or of the UTF-8 of a text. */
export function digestOf(content: Uint8Array | string): Digest {
  const hasher = createHasher();
  hasher.update(typeof content === 'string' ? utf8(content) : content);
  return hasher.digest();
}
