import { throwIfAborted } from '../core/abort.ts';
import { ValidationError } from '../core/errors.ts';

/** The chunks of a source that is being stored, each checked to be bytes and the signal looked at before each. */
export async function* checkedChunks(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    throwIfAborted(signal, 'Writing the blob');
    if (!(chunk instanceof Uint8Array)) {
      throw new ValidationError(`The source of a blob gave a ${typeof chunk} where a Uint8Array belongs; encode it first. Nothing was kept.`, { path: 'source' });
    }
    yield chunk;
  }
}
