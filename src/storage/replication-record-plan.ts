import type { Version } from './contract.ts';
import { contentPrint, sameContent, type RecordContent } from './replication-content.ts';

// What becomes of one record is decided here, from facts alone; reading and writing is the business of RecordMover.

/**
 * What a link knows of a record. `source` and `target` are versions that said the same: a fact that stays true, whatever comes later, and however often it is written down.
 */
export interface RecordState {
  /** The source's version that has arrived. */
  readonly source?: Version | undefined;
  /** The target's version that goes with it; `undefined` when there was no record. */
  readonly target?: Version | undefined;
  /** The print of what both said. */
  readonly print?: string | undefined;
  /** Prints of what may have been written to the target since, written down before it was tried: so that what a dead session wrote is known for one's own. */
  readonly sent: readonly string[];
  /** The two were decided to differ: from here on, only equal contents make them one again. */
  readonly kept?: boolean | undefined;
}

/** What one side holds: contents at a version. */
export interface RecordSide extends RecordContent {
  /** What it is at. */
  readonly version: Version;
}

/** Whether a record needs anything: nothing, to be sent in the belief that the target is as it was left, or a look at the target first. */
export type RecordNeed = 'nothing' | 'send' | 'look';

/** What a record needs, from what is known of it and the version that the source lists now. */
export function needOf(state: RecordState | undefined, listed: Version | undefined): RecordNeed {
  if (state === undefined) return listed === undefined ? 'nothing' : 'send';
  if (state.sent.length > 0) return 'look';
  if (listed !== undefined && state.source === listed) return 'nothing';
  return state.kept === true ? 'look' : 'send';
}

/** What becomes of a record: both agree already, the source's is sent over what is known at the target, or both were changed. */
export type RecordStep =
  | { readonly kind: 'agree' }
  | { readonly kind: 'send'; readonly over: Version | undefined }
  | { readonly kind: 'conflict' };

/** What becomes of a record whose target was looked at. The source must have been read after the target, else an older value could replace a newer one. */
export function decideRecord(state: RecordState | undefined, source: RecordSide | undefined, target: RecordSide | undefined): RecordStep {
  if (sameContent(source, target)) return { kind: 'agree' };
  const untouched = state === undefined ? target === undefined : state.kept !== true && state.target === target?.version;
  if (untouched || state?.sent.includes(contentPrint(target)) === true) return { kind: 'send', over: target?.version };
  return { kind: 'conflict' };
}

// Enough for every session that died between a note and its deed since the last success; more would be one that fails at this record for ever.
const rememberedPrints = 16;

/** Whether what the source has now is what both had: it was written anew without a change, perhaps by a link in the other direction, which would never come to rest otherwise. */
export function isEcho(state: RecordState | undefined, source: RecordSide | undefined): boolean {
  return source !== undefined && state?.print !== undefined && state.sent.length === 0 && state.print === contentPrint(source);
}

/** What is written down before `content` is sent over the target's version `over`. */
export function beforeSending(state: RecordState | undefined, over: Version | undefined, content: RecordContent | undefined): RecordState {
  const print = contentPrint(content);
  const sent = [...(state?.sent ?? []).filter((earlier) => earlier !== print), print].slice(-rememberedPrints);
  return { source: state?.source, target: over, sent };
}

/** What is known once both sides say the same, at these versions; nothing when neither has the record. */
export function afterAgreement(source: RecordSide | undefined, target: Version | undefined, print: string = contentPrint(source)): RecordState | undefined {
  return source && { source: source.version, target, print, sent: [] };
}

/** What is known once both sides were decided to differ; nothing when the source has not the record, since then nothing more can come from it. */
export function afterParting(source: Version | undefined, target: Version | undefined): RecordState | undefined {
  return source === undefined ? undefined : { source, target, sent: [], kept: true };
}
