import { join } from 'node:path';
import type { Key } from '../../core/key.ts';
import type { LogPosition } from '../contract.ts';
import { encodePosition } from '../log-position.ts';
import { OperationMemory } from '../operation-memory.ts';
import type { Directories } from './directories.ts';
import { newSalt } from './file-header.ts';
import { writeAll } from './file-reading.ts';
import { codeOf, type FileSystem } from './file-system.ts';
import { flushAnew } from './flush-anew.ts';
import { readLogDirectory, type SegmentName } from './log-directory.ts';
import { draftSegmentFrame, operationIdOf, placeSegmentFrame, segmentKinds } from './segment-frame.ts';
import { endOf, SegmentReader } from './segment-reader.ts';

/** How far one writer's sequence in one log goes, and where its files tell so. */
export interface WriterState {
  /** Its named appends, with the positions behind them. */
  readonly operations: OperationMemory<LogPosition>;
  /** The sequence of its last entry, from 1; 0 when there is none. */
  sequence: number;
  /** Bytes of its entries. */
  bytes: number;
  /** Its last segment, from 1; 0 when there is none. */
  epoch: number;
  /** What the last segment's frames begin with. */
  salt: Buffer;
  /** How often the log had been deleted before it. */
  readonly incarnation: number;
}

/** The state of a writer of whom nothing is known. */
export function newWriterState(incarnation = 0): WriterState {
  return { operations: new OperationMemory(), sequence: 0, bytes: 0, epoch: 0, salt: newSalt(), incarnation };
}

/** Whose sequence in which log is gone on with. */
export interface WriterName {
  readonly log: Key;
  readonly writer: string;
}

/** Learns from the files where a writer's sequence stands, and seals its last segment against whoever may still write to it. */
export async function takeOver(fileSystem: FileSystem, directories: Directories, name: WriterName): Promise<WriterState> {
  const place = ['logs', ...name.log.split('/')];
  for (;;) {
    const directory = join(directories.root, ...place);
    const { segments, incarnation } = await readLogDirectory(fileSystem, directory);
    const own = segments.filter(({ writer }) => writer === name.writer);
    const last = own.at(-1);
    if (last === undefined) return newWriterState(incarnation);
    try {
      // Whoever wrote these may have died before it flushed them or their names, and appends found in them are acknowledged without another write.
      await directories.ensure(...place);
      await fileSystem.syncDirectory(directory);
      await seal(fileSystem, directories, name.log, last.path);
      return await learn(fileSystem, name, own, newWriterState(incarnation));
    } catch (error) {
      // The log was deleted meanwhile.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/**
 * Ends a segment against whoever may still write to it, and flushes it. If its writer did not say that all of it was flushed, it is flushed as a new file: a flush may have
 * failed, which another one here would not tell.
 */
async function seal(fileSystem: FileSystem, directories: Directories, log: Key, path: string): Promise<void> {
  const reader = await SegmentReader.open(fileSystem, path, log);
  const closed = await reader.isClosed().finally(() => reader.close());
  const file = await fileSystem.open(path, 'append');
  try {
    await writeAll(file, placeSegmentFrame(draftSegmentFrame(segmentKinds.seal), { salt: reader.header.salt, first: 0, bytesBefore: 0, flushedTo: 0 }));
    if (closed) await file.sync();
  } finally {
    await file.close();
  }
  if (!closed) await flushAnew(fileSystem, directories, path);
}

async function learn(fileSystem: FileSystem, { log, writer }: WriterName, segments: readonly SegmentName[], state: WriterState): Promise<WriterState> {
  const readers: SegmentReader[] = [];
  try {
    for (const { path } of segments) readers.push(await SegmentReader.open(fileSystem, path, log));
    for (const [i, reader] of readers.entries()) {
      const limit = readers[i + 1]?.header.entriesBefore ?? Infinity;
      for await (const { frame, bytes, at } of reader.frames()) {
        const end = endOf(frame);
        if (end.sequence > limit) break;
        state.operations.remember(operationIdOf(bytes, at, frame), encodePosition(new Map([[writer, end.sequence]])));
        state.sequence = end.sequence;
        state.bytes = end.bytes;
      }
      if (limit !== Infinity && state.sequence < limit) throw reader.missing(state.sequence, limit);
    }
    state.epoch = segments.at(-1)?.epoch ?? 0;
    state.salt = readers.at(-1)?.header.salt ?? state.salt;
    return state;
  } finally {
    for (const reader of readers) await reader.close();
  }
}
