import type { Key } from '../core/key.ts';
import { check } from '../core/schema.ts';
import type { LogEntry, LogPosition } from '../storage/contract.ts';
import { encodeFrame } from '../storage/http-frames.ts';
import { framesType, headerNames, type EntriesFrame } from '../storage/http-protocol.ts';
import { jsonAnswer, streamAnswer, type Answer } from './answer.ts';
import type { Call } from './call.ts';
import { endFrame, isEnd } from './frames.ts';
import { Refusal } from './refusal.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';
import { endIterator } from './streamed-body.ts';
import { listVisible } from './visible-list.ts';

// A frame is sent when it has one or the other.
const frameBytes = 256 * 1024;
const frameEntries = 8_192;
// An entry in memory is far larger than its size in a header.
const maxEntries = 1_000_000;
const bytesPerEntry = 128;

export const logRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/logs',
    id: 'listLogs',
    summary: 'One page of the keys of logs, ascending by bytes.',
    query: schemas.listQuery,
    answers: { 200: { description: 'The page.', schema: schemas.listPage } },
    async handle(call) {
      const prefix = call.prefix();
      await call.permit('list', 'log', prefix);
      return jsonAnswer(await listVisible(call.storage, { kind: 'log', prefix, after: call.query['after'], limit: call.pageLimit() }, call.options));
    },
  },
  {
    method: 'GET',
    path: '/logs/{key}',
    id: 'readLog',
    summary: "The entries of every writer of a log, each writer's in order, behind a position.",
    query: schemas.readLogQuery,
    answers: { 200: { description: 'Frames of consecutive entries of one writer each; then an end frame, or an error frame.', type: framesType } },
    async handle(call) {
      const key = call.key();
      await call.permit('read', 'log', key);
      return readLog(call, key, call.query['after']);
    },
  },
  {
    method: 'POST',
    path: '/batch/log',
    id: 'readLogFrom',
    summary: 'The same as readLog, from a position that is too long for a URL: that of a log with many writers.',
    body: { description: 'The key of the log and the position.', type: 'application/json', schema: schemas.readLogBody },
    answers: { 200: { description: 'As of readLog.', type: framesType } },
    async handle(call) {
      const body = check(schemas.readLogBody, await call.body.json(call.service.limits.requestBytes), 'body');
      const key = call.checkKey(body.key);
      await call.permit('read', 'log', key);
      return readLog(call, key, body.after);
    },
  },
  {
    method: 'POST',
    path: '/logs/{key}',
    id: 'append',
    summary: 'Appends entries, all or none, to the sequence of one writer.',
    query: schemas.appendQuery,
    headers: { [headerNames.operationId]: 'Names the append: repeated by the same writer, it is recognised and not made twice.' },
    body: { description: 'Frames of entries, one behind the other; then an end frame.', type: framesType, schema: schemas.appendFrame },
    answers: { 200: { description: 'The position behind the entries.', schema: schemas.appended } },
    handle: append,
  },
  {
    method: 'DELETE',
    path: '/logs/{key}',
    id: 'deleteLog',
    summary: 'Deletes a log with all its entries; harmless when there is none.',
    answers: { 200: { description: 'Deleted.', schema: schemas.writeDone } },
    async handle(call) {
      const key = call.key();
      await call.permit('delete', 'log', key);
      await call.storage.deleteLog(key, call.options);
      return jsonAnswer({ ok: true });
    },
  },
];

async function readLog(call: Call, key: Key, after: LogPosition | undefined): Promise<Answer> {
  const entries = call.storage.readLog(key, { after, ...call.options })[Symbol.asyncIterator]();
  // Read before the answer begins, so that what fails at once is answered with a status of its own.
  const first = await entries.next();
  const body = call.stream(entryFrames(call, entries, first, after ?? ''));
  body.onEnd(() => endIterator(entries));
  return streamAnswer(200, framesType, body);
}

/** The entries in frames of one writer each: the position of an entry is made only where a frame ends. */
async function* entryFrames(call: Call, entries: AsyncIterator<LogEntry>, first: IteratorResult<LogEntry, unknown>, after: string): AsyncGenerator<Uint8Array> {
  try {
    let before = after;
    let frame: LogEntry[] = [];
    let bytes = 0;
    for (let next = first; ; next = await entries.next()) {
      const entry = next.done ? undefined : next.value;
      const last = frame.at(-1);
      const full = bytes >= frameBytes || frame.length >= frameEntries;
      if (last !== undefined && (entry === undefined || full || entry.writer !== last.writer || entry.sequence !== last.sequence + 1)) {
        yield entriesFrame(frame, before, last.position);
        before = last.position;
        frame = [];
        bytes = 0;
      }
      if (entry === undefined) break;
      frame.push(entry);
      bytes += entry.bytes.length;
    }
    yield endFrame();
  } catch (error) {
    yield encodeFrame(call.service.errorFrame(error, call.subject));
  }
}

function entriesFrame(entries: readonly LogEntry[], before: string, after: string): Uint8Array {
  const { writer, sequence } = entries[0]!;
  const header: EntriesFrame = { writer, first: sequence, sizes: entries.map(({ bytes }) => bytes.length), before, after };
  return encodeFrame(header, entries.map(({ bytes }) => bytes));
}

/** Entries that are appended together, under one name. */
interface Group {
  readonly operationId: string | undefined;
  readonly entries: Uint8Array[];
}

async function append(call: Call): Promise<Answer> {
  const key = call.key();
  const { writer, durability } = call.query;
  await call.permit('append', 'log', key);
  const groups = await readGroups(call);
  const options = { writer, durability: durability as 'buffered' | 'flushed' | undefined, ...call.options };
  // All are started before any is waited for, so that they share a flush; an adapter keeps their order.
  const appends = groups.map(({ operationId, entries }) => call.storage.append(key, entries, { operationId, ...options }));
  const failed = (await Promise.allSettled(appends)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  const positions = await Promise.all(appends);
  const named = groups[0]!.operationId !== undefined && call.operationId() === undefined;
  return jsonAnswer({ position: positions.at(-1), ...(named && { positions }) });
}

/** The appends of a body: one named by the header, or one for each name that frames in a row have. */
async function readGroups(call: Call): Promise<Group[]> {
  const operationId = call.operationId();
  const { batch, requestBytes, entryBytes } = call.service.limits;
  const groups: Group[] = [];
  let entries = 0;
  let ended = false;
  for await (const frame of call.body.frames(requestBytes, requestBytes)) {
    if (ended) throw new Refusal(400, 'validation', 'A frame comes behind the end frame.');
    ended = isEnd(frame);
    if (ended) continue;
    const header = check(schemas.appendFrame, frame.header, 'frame');
    if (header.operationId !== undefined && operationId !== undefined) {
      throw new Refusal(400, 'validation', `An append is named by its frames or by ${headerNames.operationId}, not by both.`);
    }
    let group = groups.at(-1);
    if (group === undefined || (operationId === undefined && header.operationId !== group.operationId)) {
      if (groups.length > 0 && (header.operationId === undefined || groups[0]!.operationId === undefined)) throw new Refusal(400, 'validation', 'Either all frames have a name or none.');
      if (groups.length === batch) throw new Refusal(413, 'validation', `A request makes at most ${batch} appends.`, { details: { limit: batch } });
      group = { operationId: header.operationId ?? operationId, entries: [] };
      groups.push(group);
    }
    entries += header.sizes.length;
    if (entries > maxEntries) throw new Refusal(413, 'validation', `A request appends at most ${maxEntries} entries.`, { details: { limit: maxEntries } });
    call.body.charge(header.sizes.length * bytesPerEntry);
    takeEntries(header.sizes, frame.body, group.entries, entryBytes);
  }
  if (!ended) throw new Refusal(400, 'validation', 'The body has no end frame: it was cut off.');
  return groups.length === 0 ? [{ operationId, entries: [] }] : groups;
}

function takeEntries(sizes: readonly number[], body: Uint8Array, entries: Uint8Array[], entryBytes: number): void {
  let at = 0;
  for (const size of sizes) {
    if (size > entryBytes) throw new Refusal(413, 'validation', `An entry has ${size} bytes; at most ${entryBytes} are taken.`, { details: { limit: entryBytes, size } });
    entries.push(body.subarray(at, at + size));
    at += size;
  }
  if (at !== body.length) throw new Refusal(400, 'validation', `The entries of a frame have ${at} bytes, but its body has ${body.length}.`);
}
