import { utf8 } from '../../core/bytes.ts';
import { throwIfAborted } from '../../core/abort.ts';
import type { Key } from '../../core/key.ts';
import type { LogEntry, LogPosition, LogQuery } from '../contract.ts';
import type { EntriesFrame } from '../http-protocol.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpCall, HttpTransport } from './http-transport.ts';
import { decodePlace, encodePlace, skipText, type LogPlace } from './log-place.ts';

// A position tells of every writer, and a URL of more than 8 KiB passes not everywhere; an escape takes three characters.
const maxQueryPosition = 2_000;

/** The entries of a log. Where the connection is cut, the reading goes on behind the last entry that came whole. */
export async function* readEntries(transport: HttpTransport, log: Key, { after, signal }: LogQuery): AsyncGenerator<LogEntry> {
  let position = after;
  let failures = 0;
  for (;;) {
    const place = decodePlace(position);
    const call: HttpCall = { ...requestFor(log, place.before), signal };
    const answer = await transport.open(call);
    try {
      for await (const entry of entriesFrom(answer, place)) {
        // Many entries come at once.
        throwIfAborted(signal, `Reading the log ${log}`);
        position = entry.position;
        failures = 0;
        yield entry;
      }
      return;
    } catch (error) {
      await transport.pause(error, ++failures, call);
    } finally {
      answer.end();
    }
  }
}

function requestFor(log: Key, after: LogPosition): HttpCall {
  if (after.length <= maxQueryPosition) return { method: 'GET', path: `logs/${log}`, query: { after: after || undefined } };
  return { method: 'POST', path: 'batch/log', headers: { 'content-type': 'application/json' }, body: utf8(JSON.stringify({ key: log, after })) };
}

/** The entries of an answer behind a place. */
async function* entriesFrom(answer: HttpAnswer, { skips }: LogPlace): AsyncGenerator<LogEntry> {
  // The writers come in any order: those that are still to be skipped are part of every position until then.
  const left = new Map(skips);
  for await (const { header, body } of answer.frames()) {
    const { writer, first, sizes, before, after } = header as EntriesFrame;
    const skip = left.get(writer) ?? 0;
    left.delete(writer);
    const others = encodePlace({ before: '', skips: left });
    let at = 0;
    for (const [i, size] of sizes.entries()) {
      const start = at;
      at += size;
      if (i < skip) continue;
      const position = i === sizes.length - 1 ? after + others : before + skipText(writer, i + 1) + others;
      yield { writer, sequence: first + i, bytes: body.slice(start, at), position };
    }
    if (skip > sizes.length) left.set(writer, skip - sizes.length);
  }
}
