import { createHasher, type Digest } from '../core/digest.ts';
import { IntegrityError } from '../core/errors.ts';

/** Passes chunks on while hashing them, and throws `IntegrityError` at the end unless they are the bytes of `digest`. */
export async function* verifiedBytes(source: AsyncIterable<Uint8Array>, digest: Digest): AsyncGenerator<Uint8Array> {
  const hasher = createHasher();
  for await (const chunk of source) {
    hasher.update(chunk);
    yield chunk;
  }
  const found = hasher.digest();
  if (found !== digest) {
    throw new IntegrityError(`The blob ${digest} is damaged: its bytes hash to ${found}. Restore it from a copy or write it again.`, { key: digest, found });
  }
}
