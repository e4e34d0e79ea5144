import { isModelkeepError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { ListEntry } from './contract.ts';
import type { LogConflict } from './replication-conflict.ts';
import type { ReplicationContext } from './replication-context.ts';
import { appendName, blankLogState, isOurs, isSameLogState, SourceComparison, type Batch, type LogState, type TargetLog, type TargetView } from './replication-log-plan.ts';
import { digestTarget, logAt, lookAtTarget } from './replication-log-target.ts';
import { LogWork } from './replication-log-work.ts';
import type { ReplicationState } from './replication-state.ts';

/**
 * What came of an attempt: all has arrived; another link was at it (`again`); it has to be tried anew, perhaps by comparing all; the target has nothing but what
 * came from an earlier log of this name (`outdated`); or there is something else in the target.
 */
export type AttemptOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'again' }
  | { readonly kind: 'retry'; readonly care: Care; readonly state: LogState | undefined; readonly progress: boolean }
  | { readonly kind: 'outdated'; readonly state: LogState | undefined }
  | { readonly kind: 'conflict'; readonly conflict: Pick<LogConflict, 'reason' | 'writer'>; readonly state: LogState | undefined };

/** How much is taken on trust: the target as it was left, what both sides were known to have, or nothing. */
export type Care = 'trust' | 'look' | 'compare';

const flushBytes = 1 << 20;
const flushEntries = 10_000;

/** The delivery of one log: reads what the source has beyond what is known, and appends it to the target, each writer's entries under its name and in their places. */
export class LogDelivery {
  readonly #context: ReplicationContext;
  readonly #states: ReplicationState<LogState>;
  readonly #log: Key;
  readonly #listed: ListEntry;
  /** Appends that were made in this delivery, by name. */
  readonly #made = new Set<string>();

  constructor(context: ReplicationContext, states: ReplicationState<LogState>, log: Key, listed: ListEntry) {
    this.#context = context;
    this.#states = states;
    this.#log = log;
    this.#listed = listed;
  }

  /**
   * @param stored - What is stored of the log, to be replaced.
   * @param known - What is known of it.
   * @param target - The target's log as it is listed now.
   * @param care - How much of that is believed.
   */
  async attempt(stored: LogState | undefined, known: LogState, target: ListEntry | undefined, care: Care): Promise<AttemptOutcome> {
    if (target === undefined && known.same.size > 0) return { kind: 'conflict', conflict: { reason: 'deleted-at-target' }, state: stored };
    const thorough = care === 'compare';
    const isLeft = care === 'trust' && known.plan === undefined && known.target?.version === target?.version;
    const base = thorough ? { ...blankLogState(known.epoch), plan: known.plan } : known;
    const seen = isLeft ? undefined : await lookAtTarget(this.#context, this.#log, base, thorough);
    if (!isLeft && seen === undefined) return { kind: 'retry', care: 'compare', state: stored, progress: false };
    const view: TargetView = seen ?? { counts: known.target?.counts ?? new Map(), digests: new Map() };
    const log = seen ? seen.log : target;
    const at: TargetLog | undefined = log && { version: log.version, size: log.size, counts: view.counts, position: base.target?.position };
    const work = new LogWork(stored, { ...base, target: at, source: undefined, kept: undefined }, new SourceComparison(base, view), view);
    const verdict = await this.#readSource(work, base);
    if (verdict === 'again') return { kind: 'again' };
    // A position before which all is the same saves reading that again.
    if (verdict === 'whole') return this.#finish(work, seen !== undefined && isCovered(view.counts, work.comparison) ? seen.position : work.state.target?.position);
    const progress = !thorough && countAll(work.comparison.same) > countAll(known.same);
    if (verdict === 'retry') return { kind: 'retry', care: 'trust', state: work.stored, progress };
    if (!thorough) return { kind: 'retry', care: isLeft ? 'look' : 'compare', state: work.stored, progress };
    const counts = work.state.target?.counts ?? view.counts;
    const isKnown = known.same.size > 0 || known.plan !== undefined;
    if (isKnown && isOurs(counts, { same: mergeCounts(known, work), plan: known.plan })) return { kind: 'outdated', state: work.stored };
    return { kind: 'conflict', conflict: { reason: 'different', writer: work.doubted }, state: work.stored };
  }

  /** Reads the source and sends what is new. `doubt` when one side is not what was believed. */
  async #readSource(work: LogWork, base: LogState): Promise<'whole' | 'doubt' | 'again' | 'retry'> {
    const { comparison } = work;
    const { from, signal } = this.#context;
    try {
      for await (const entry of from.readLog(this.#log, { after: base.anchor?.at, signal })) {
        const verdict = comparison.take(entry);
        if (verdict === 'doubt') {
          work.doubted = entry.writer;
          return 'doubt';
        }
        if (verdict === 'known') continue;
        work.hold(entry);
        if (work.heldBytes < flushBytes && work.heldEntries < flushEntries) continue;
        if (!comparison.anchored && !(await this.#isAnchored(base))) return 'doubt';
        const sent = await this.#send(work);
        if (sent !== 'sent') return sent;
      }
    } catch (error) {
      // A position of a log that has been deleted may be refused.
      if (base.anchor?.at !== undefined && isModelkeepError(error, 'validation')) return 'doubt';
      throw error;
    }
    const isShort = base.size + comparison.bytes < this.#listed.size;
    if (!comparison.anchored || isShort || !comparison.finish(await digestTarget(this.#context, this.#log, base, comparison.shorter()))) return 'doubt';
    for (const [writer, count] of work.before) if (count > (comparison.taken.get(writer) ?? 0)) return 'doubt';
    let sent = await this.#send(work);
    // What was planned of entries that the source has no more, nobody can append any more.
    work.due.clear();
    if (sent === 'sent') sent = await this.#send(work);
    return sent === 'sent' ? 'whole' : sent;
  }

  /** Whether the entries that were read last still stand in the source, wherever new ones come among them. */
  async #isAnchored(base: LogState): Promise<boolean> {
    const comparison = new SourceComparison(base, { counts: new Map(), digests: new Map() });
    for await (const entry of this.#context.from.readLog(this.#log, { after: base.anchor?.at, signal: this.#context.signal })) {
      if (comparison.take(entry) === 'doubt') return false;
      if (comparison.anchored) return true;
    }
    return comparison.anchored;
  }

  /** Appends what is held, after writing down that it will. */
  async #send(work: LogWork): Promise<'sent' | 'again' | 'retry'> {
    const { to, signal } = this.#context;
    const batches = work.release();
    if (batches.length === 0) return 'sent';
    let { epoch } = work.state;
    // Made, and yet not there: the name was used up by a log that was deleted since.
    if (batches.some(({ writer, first }) => this.#made.has(appendName(this.#log, epoch, writer, first)))) epoch = newId();
    const plan = batches.map(({ writer, first, entries }): Batch => [writer, first, first + entries.length - 1]);
    const planned: LogState = { ...work.state, epoch, same: new Map(work.comparison.same), size: work.size, plan: [...plan, ...work.due.values()], anchor: work.anchor };
    if (!(await this.#save(work, planned))) return 'again';
    let position = planned.target?.position;
    let bytes = 0;
    let count = 0;
    const counts = new Map(planned.target?.counts);
    for (const { writer, first, entries } of batches) {
      const operationId = appendName(this.#log, epoch, writer, first);
      position = await to.append(this.#log, entries, { writer, operationId, signal });
      this.#made.add(operationId);
      counts.set(writer, first + entries.length - 1);
      count += entries.length;
      for (const entry of entries) bytes += entry.length;
    }
    this.#context.moved(0, { entries: count, bytes });
    const after = await logAt(to, this.#log, signal);
    // Someone else was at the target as well, or it knew an append of that name by other entries: what has arrived is for a look to say.
    if (after === undefined || after.size !== (planned.target?.size ?? 0) + bytes) return 'retry';
    const isAlone = counts.size === 1 && batches.length === 1;
    const target = { version: after.version, size: after.size, counts, position: isAlone ? position : planned.target?.position };
    work.arrived(batches, { ...planned, plan: undefined, target });
    return 'sent';
  }

  async #finish(work: LogWork, position: string | undefined): Promise<AttemptOutcome> {
    const { comparison, state } = work;
    const next: LogState = {
      source: this.#listed.version,
      size: work.size,
      epoch: state.epoch,
      same: new Map(comparison.same),
      anchor: comparison.anchor() ?? work.anchor,
      target: state.target && { ...state.target, position },
    };
    return { kind: (await this.#save(work, next)) ? 'done' : 'again' };
  }

  async #save(work: LogWork, next: LogState): Promise<boolean> {
    const refused = await this.#states.save([{ key: this.#log, change: (now) => (isSameLogState(now, work.stored) ? { to: next } : 'refused') }]);
    if (refused.size === 0) {
      work.stored = next;
      return true;
    }
    // What was appended too late, when another link had seen the log gone from both sides, must not stay there unknown.
    const plan = work.stored?.plan;
    if (plan !== undefined) await this.#states.save([{ key: this.#log, change: (now) => (now?.gone === true ? { to: { ...blankLogState(now.epoch), plan } } : 'refused') }]);
    return false;
  }
}

/** Whether all that a look at the target found is now known to be the source's too. */
function isCovered(counts: ReadonlyMap<string, number>, { same }: SourceComparison): boolean {
  return [...counts].every(([writer, count]) => count <= (same.get(writer) ?? 0));
}

/** What of the target came from the source: what was known of it before, and what was found or sent in this attempt. */
function mergeCounts(known: LogState, { comparison: { same } }: LogWork): ReadonlyMap<string, number> {
  const merged = new Map(known.same);
  for (const [writer, count] of same) merged.set(writer, Math.max(count, merged.get(writer) ?? 0));
  return merged;
}

function countAll(counts: ReadonlyMap<string, number>): number {
  let all = 0;
  for (const count of counts.values()) all += count;
  return all;
}
