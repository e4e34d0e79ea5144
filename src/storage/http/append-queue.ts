import { concatBytes } from '../../core/bytes.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import { throwIfAborted, untilAborted } from '../../core/abort.ts';
import type { AppendOptions, LogPosition } from '../contract.ts';
import { encodeFrame } from '../http-frames.ts';
import { framesType, headerNames, type AppendFrame, type Appended } from '../http-protocol.ts';
import type { HttpTransport } from './http-transport.ts';
import { endFrame, wireId } from './record-batches.ts';

// What one request may take along; a single append of any size goes alone.
const batchBytes = 4 * 1024 * 1024;
const batchAppends = 200;
// The header of a frame lists the sizes of its entries and has bounds of its own.
const frameEntries = 65_536;

interface Waiting {
  readonly entries: readonly Uint8Array<ArrayBuffer>[];
  readonly bytes: number;
  readonly operationId: string;
  readonly durability: AppendOptions['durability'];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Appends to logs, those of one writer to one log one after another, as they were called: were two under way at once, a retry could put the first behind the second. What waits meanwhile goes in
 * one request, in which each keeps its name and gets its own position.
 */
export class AppendQueue {
  readonly #transport: HttpTransport;
  readonly #lines = new Map<string, Waiting[]>();

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  append(log: Key, writer: string, entries: readonly Uint8Array[], options: AppendOptions): Promise<LogPosition> {
    const { signal, durability } = options;
    const operationId = options.operationId === undefined ? newId() : wireId(options.operationId);
    const appended = new Promise<LogPosition>((resolve, reject) => {
      const copies = entries.map((entry) => new Uint8Array(entry));
      const bytes = copies.reduce((sum, entry) => sum + entry.length, 0);
      this.#enqueue(log, writer, { entries: copies, bytes, operationId, durability, signal, resolve, reject });
    });
    return untilAborted(appended, signal, `Appending to ${log}`);
  }

  #enqueue(log: Key, writer: string, waiting: Waiting): void {
    const name = `${writer} ${log}`;
    const line = this.#lines.get(name);
    if (line) line.push(waiting);
    else void this.#work(name, log, writer, [waiting]);
  }

  /** Sends what waits until nothing does. */
  async #work(name: string, log: Key, writer: string, line: Waiting[]): Promise<void> {
    this.#lines.set(name, line);
    while (line.length > 0) await this.#sendSome(log, writer, line.splice(0, fitting(line)));
    this.#lines.delete(name);
  }

  async #sendSome(log: Key, writer: string, batch: readonly Waiting[]): Promise<void> {
    try {
      const positions = await this.#send(log, writer, batch);
      batch.forEach(({ resolve }, i) => resolve(positions[i]!));
    } catch (error) {
      // One of them may be at fault for all. Their names keep what was done from being done again.
      if (batch.length > 1 && !isModelkeepError(error, 'unavailable', 'timeout', 'closed')) for (const one of batch) await this.#sendSome(log, writer, [one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  async #send(log: Key, writer: string, batch: readonly Waiting[]): Promise<readonly LogPosition[]> {
    const [{ operationId, durability, signal }] = batch as readonly [Waiting];
    throwIfAborted(signal, `Appending to ${log}`);
    const alone = batch.length === 1;
    const call = {
      method: 'POST',
      path: `logs/${log}`,
      query: { writer, durability },
      headers: { 'content-type': framesType, ...(alone && { [headerNames.operationId]: operationId }) },
      body: concatBytes([...batch.flatMap((one) => framesOf(one, alone ? undefined : one.operationId)), endFrame]),
      signal,
    } as const;
    return this.#transport.call(call, async (answer) => {
      const { position, positions = [position] } = await answer.json<Appended>((body) => typeof body.position === 'string' && (alone || body.positions?.length === batch.length));
      return positions;
    });
  }
}

/** How many of those that wait go together. One that can be aborted goes alone, since the others must not end with it; so does a repeated one, since names tell the appends of a request apart. */
function fitting(line: readonly Waiting[]): number {
  const first = line[0]!;
  const names = new Set<string>();
  let bytes = 0;
  const end = line.findIndex(({ durability, signal, operationId, bytes: size }, i) => {
    bytes += size;
    const apart = names.has(operationId) || durability !== first.durability || signal !== undefined || first.signal !== undefined;
    names.add(operationId);
    return i > 0 && (apart || i === batchAppends || bytes > batchBytes);
  });
  return end === -1 ? line.length : end;
}

function framesOf({ entries }: Waiting, operationId: string | undefined): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < entries.length; at += frameEntries) {
    const part = entries.slice(at, at + frameEntries);
    const header: AppendFrame = { sizes: part.map((entry) => entry.length), operationId };
    frames.push(encodeFrame(header, part));
  }
  return frames;
}
