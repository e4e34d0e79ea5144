import type { Version, VersionMatch, WriteCondition } from '../storage/contract.ts';
import { versionOf } from '../storage/http-protocol.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { Refusal } from './refusal.ts';

/** The condition that a write is made under. Throws what makes a 400 for conditions that contradict each other or that cannot be kept. */
export function writeCondition(request: IncomingRequest): WriteCondition | undefined {
  const match = matchCondition(request);
  const none = request.header('if-none-match');
  if (none === undefined) return match;
  if (match !== undefined) throw new Refusal(400, 'validation', 'If-Match and If-None-Match contradict each other; send one of them.');
  if (none.trim() === '*') return 'absent';
  throw new Refusal(400, 'validation', 'A write takes no If-None-Match but *, which has it made only where there is nothing.');
}

/** The version that must be there. */
export function matchCondition(request: IncomingRequest): VersionMatch | undefined {
  const text = request.header('if-match');
  if (text === undefined) return undefined;
  const version = versionOf(text);
  if (version !== undefined) return { match: version };
  throw new Refusal(400, 'validation', 'If-Match must be one entity tag, as an ETag of this server gave it.');
}

/** Whether the client has this version already (If-None-Match of a read). */
export function isKnown(request: IncomingRequest, version: Version): boolean {
  const text = request.header('if-none-match');
  if (text === undefined) return false;
  return text.trim() === '*' || text.split(',').some((tag) => versionOf(tag) === version);
}

/** The part that a client asks for: `undefined` for the whole, `'none'` for one that is not there (416). RFC 9110 §14. */
export function rangeOf(request: IncomingRequest, size: number, version: Version): { start: number; end: number } | 'none' | undefined {
  const text = request.header('range');
  if (text === undefined || !/^bytes=/i.test(text)) return undefined;
  const unless = request.header('if-range');
  if (unless !== undefined && versionOf(unless) !== version) return undefined;
  const ranges = text.slice('bytes='.length).split(',');
  const parts = ranges.map((range) => /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(range));
  if (parts.some((part) => part === null || (part[1] === '' && part[2] === ''))) throw new Refusal(400, 'validation', 'Range is not one that can be understood.');
  // A server may answer several ranges with the whole.
  if (parts.length > 1) return undefined;
  const [, first, last] = parts[0]!;
  if (first === '') return Number(last) === 0 || size === 0 ? 'none' : { start: Math.max(0, size - Number(last)), end: size };
  const start = Number(first);
  if (last !== '' && Number(last) < start) throw new Refusal(400, 'validation', 'Range ends before it begins.');
  if (start >= size) return 'none';
  return { start, end: last === '' ? size : Math.min(size, Number(last) + 1) };
}
