import { crc32 } from '../../core/crc32.ts';
import { ByteInput } from './byte-input.ts';
import { inflate, InflateFault } from './inflate.ts';

/** What is wrong with a gzip file. */
export interface GzipFault {
  /** The byte of the file at which it was cut off, or what was changed begins. */
  readonly offset: number;
  readonly message: string;
}

/** What is in a gzip file, as far as it can be relied on. */
export interface GzipContents {
  /** Bytes of its contents that are what was written. */
  readonly bytes: number;
  /** Present when there should be more. */
  readonly fault?: GzipFault | undefined;
}

/** A piece of the contents; `isSound` says that it is the last one of a member, which is as it was written. */
interface GzipPart {
  readonly bytes: Uint8Array;
  readonly isSound: boolean;
}

class MemberFault extends Error {
  readonly fault: GzipFault;
  readonly isCut: boolean;

  constructor(fault: GzipFault, isCut: boolean) {
    super(fault.message);
    this.fault = fault;
    this.isCut = isCut;
  }
}

/** Bytes of a member without a name that has nothing in it, and so of all that have more. */
const smallestMember = 20;
const nothing = /* @__PURE__ */ new Uint8Array(0);

/** The contents of a gzip file (RFC 1952) of any number of members, one behind the other. Throws where it is damaged; {@link examineGzip} says before how far that is. */
export async function* gzipBytes(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of members(chunks)) if (bytes.length > 0) yield bytes;
}

/**
 * Reads a gzip file to its end and says how much of its contents is what was written. Of a member that was changed that is nothing: only its end tells, and not where. What a file that was cut off has until then counts.
 */
export async function examineGzip(chunks: AsyncIterable<Uint8Array>): Promise<GzipContents> {
  let [read, sound] = [0, 0];
  try {
    for await (const { bytes, isSound } of members(chunks)) {
      read += bytes.length;
      if (isSound) sound = read;
    }
    return { bytes: sound };
  } catch (error) {
    if (!(error instanceof MemberFault)) throw error;
    return { bytes: error.isCut ? read : sound, fault: error.fault };
  }
}

async function* members(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<GzipPart> {
  const input = new ByteInput(chunks);
  try {
    do yield* member(input);
    while (await isFollowed(input));
  } finally {
    await input.close();
  }
}

async function* member(input: ByteInput): AsyncGenerator<GzipPart> {
  const start = input.offset;
  const changed = (what: string): MemberFault => new MemberFault({ offset: start, message: `What begins at byte ${start} was changed since it was compressed (${what}).` }, false);
  let [size, sum] = [0, 0];
  try {
    await readHeader(input, changed);
    for await (const bytes of inflate(input)) {
      sum = crc32(bytes, sum);
      size += bytes.length;
      yield { bytes, isSound: false };
    }
    if (!(await input.want(8))) throw new InflateFault('the end', true);
  } catch (error) {
    if (!(error instanceof InflateFault)) throw error;
    if (!error.isCut) throw changed(error.message);
    const end = input.offset + (input.end - input.at);
    if (end - start >= smallestMember && endsAsMember(input, size)) throw changed('it does not end where it should');
    throw new MemberFault({ offset: end, message: `It was cut off at byte ${end}.` }, true);
  }
  const view = new DataView(input.bytes.buffer, input.bytes.byteOffset + input.at, 8);
  if (view.getUint32(0, true) !== sum || view.getUint32(4, true) !== size >>> 0) throw changed('its checksum is another one');
  input.at += 8;
  yield { bytes: nothing, isSound: true };
}

async function readHeader(input: ByteInput, changed: (what: string) => MemberFault): Promise<void> {
  const take = async (count: number): Promise<number> => {
    if (!(await input.want(count))) throw new InflateFault('the end within the header', true);
    return (input.at += count) - count;
  };
  const at = await take(10);
  const [first, second, method, flags] = input.bytes.subarray(at, at + 4);
  if (first !== 0x1f || second !== 0x8b || method !== 8 || flags! > 31) throw changed('its header is none');
  if (flags! & 4) {
    const lengthAt = await take(2);
    await take(input.bytes[lengthAt]! + 256 * input.bytes[lengthAt + 1]!);
  }
  // Its name, and a remark, each up to a zero.
  for (const flag of [8, 16]) if (flags! & flag) while (input.bytes[await take(1)] !== 0);
  if (flags! & 2) await take(2);
}

/** Whether another member follows. Zeros may stand behind the last one, which tapes are filled up with. */
async function isFollowed(input: ByteInput): Promise<boolean> {
  if (!(await input.want(1))) return false;
  if (input.bytes[input.at] === 0x1f) return true;
  while (await input.want(1)) {
    if (input.bytes[input.at] !== 0) throw new MemberFault({ offset: input.offset, message: `What stands behind byte ${input.offset} is no gzip.` }, true);
    input.at++;
  }
  return false;
}

/**
 * Whether the last four bytes of a file are the size that its contents should have, or nearly so: then it was not cut off but changed, so that its end was missed. Bytes within a member that was cut off are as good as random, and look like that
 * once in some thousand times.
 */
function endsAsMember({ bytes, end }: ByteInput, size: number): boolean {
  if (end < 4) return false;
  const said = new DataView(bytes.buffer, bytes.byteOffset + end - 4, 4).getUint32(0, true);
  return Math.abs(said - (size >>> 0)) <= Math.min(1 << 20, Math.max(1 << 12, size >>> 3));
}
