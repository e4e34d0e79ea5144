import { isModelkeepError, ValidationError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { ListEntry } from './contract.ts';
import type { ConflictDecision, LogConflict } from './replication-conflict.ts';
import { inParallel, type ReplicationContext } from './replication-context.ts';
import { LogDelivery, type Care } from './replication-log-delivery.ts';
import { blankLogState, isOurs, isSameLogState, type LogState } from './replication-log-plan.ts';
import { logAt, lookAtTarget } from './replication-log-target.ts';
import type { ReplicationState } from './replication-state.ts';
import type { Window } from './replication-walk.ts';

/** What came of a log: it has arrived, it is in conflict, it could not be dealt with, or others were at it and the next pass must see. */
export type LogOutcome = 'done' | 'conflict' | 'failed' | 'again';

const fewKeys = 4;
const maxAttempts = 8;

/** Brings logs to the target: the entries that are new to it, under their writers' names and numbers, and the deletion of logs that are gone. */
export class LogMover {
  readonly #context: ReplicationContext;
  readonly #states: ReplicationState<LogState>;

  constructor(context: ReplicationContext, states: ReplicationState<LogState>) {
    this.#context = context;
    this.#states = states;
  }

  /** Sees to the logs of one window: those that the source lists, and those that it does not list any more. */
  async window({ listed, states, shifted }: Window<LogState>): Promise<void> {
    if (shifted) this.#context.unfinished++;
    const names = new Set(listed.map(({ key }) => key));
    const work = listed.filter(({ key, version }) => !isSettled(states.get(key), version)).map((entry) => () => this.deliver(entry.key, entry));
    for (const [key, state] of states) if (!names.has(key) && state.gone !== true) work.push(() => this.#guard(key, () => this.#remove(key)));
    await inParallel(work);
    this.#context.moved(listed.length);
  }

  /** Which of these keys, ascending, have a log in the source now; `before` is a key of the source before them all. */
  async listThese(keys: readonly Key[], before: Key | undefined): Promise<ListEntry[]> {
    const { from, signal } = this.#context;
    if (keys.length <= fewKeys) {
      const found = await Promise.all(keys.map((key) => logAt(from, key, signal)));
      return found.filter((entry) => entry !== undefined);
    }
    const wanted = new Set(keys);
    const last = keys.reduce((latest, key) => (key > latest ? key : latest));
    const found: ListEntry[] = [];
    for (let after = before; ; ) {
      const { entries, next } = await from.list({ kind: 'log', after, prefix: commonPrefix(keys[0]!, last) }, { signal });
      found.push(...entries.filter(({ key }) => wanted.has(key)));
      if (next === undefined || next >= last) return found;
      after = next;
    }
  }

  /** Brings what is new of a log. */
  deliver(log: Key, listed: ListEntry): Promise<LogOutcome> {
    return this.#guard(log, () => this.#deliver(log, listed));
  }

  async #deliver(log: Key, listed: ListEntry): Promise<LogOutcome> {
    const { to, signal, book } = this.#context;
    const delivery = new LogDelivery(this.#context, this.#states, log, listed);
    let state = await this.#states.get(log);
    if (isSettled(state, listed.version)) return 'done';
    let target = await logAt(to, log, signal);
    if (book.stands('log', log, listed.version, target?.version)) return 'conflict';
    let care: Care = 'trust';
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (state?.clearing !== undefined) {
        const cleared = await this.#clear(log, state);
        if (cleared === undefined) return 'again';
        [state, target, care] = [cleared, await logAt(to, log, signal), 'trust'];
      }
      const known: LogState = state === undefined || state.gone === true ? blankLogState(state?.epoch ?? '') : state;
      const outcome = await delivery.attempt(state, known, target, care);
      if (outcome.kind === 'done' || outcome.kind === 'again') return outcome.kind;
      state = outcome.state;
      target = await logAt(to, log, signal);
      if (outcome.kind === 'retry') {
        if (outcome.progress) attempt = 0;
        care = outcome.care;
        continue;
      }
      // What is there is nothing but what once came from the source, which has begun anew.
      if (outcome.kind === 'outdated') {
        const clearing = target && (await this.#planClearing(log, state, target.version));
        if (clearing === undefined) return 'again';
        state = clearing;
        continue;
      }
      const decided = await this.#decide({ kind: 'log', key: log, ...outcome.conflict, source: sideOf(listed), target: sideOf(target) }, state);
      if (typeof decided === 'string') return decided;
      state = decided;
    }
    return 'again';
  }

  /** Deletes at the target the log that the source has deleted. */
  async #remove(log: Key): Promise<LogOutcome> {
    const { to, signal, book } = this.#context;
    let state = await this.#states.get(log);
    if (state === undefined || state.gone === true) return 'done';
    const target = await logAt(to, log, signal);
    if (target === undefined) return this.#forget(log, state);
    if (book.stands('log', log, undefined, target.version)) return 'conflict';
    if (state.clearing !== target.version) {
      const isLeft = state.target?.version === target.version && state.plan === undefined;
      const view = isLeft ? { log: target, counts: state.target!.counts } : await lookAtTarget(this.#context, log, blankLogState(''), true);
      if (view === undefined || view.log?.version !== target.version) return 'again';
      if (state.kept === true || !isOurs(view.counts, state)) {
        const decided = await this.#decide({ kind: 'log', key: log, reason: 'deleted-at-source', source: undefined, target: sideOf(target) }, state);
        if (typeof decided === 'string') return decided;
        state = decided;
      } else {
        const clearing = await this.#planClearing(log, state, target.version);
        if (clearing === undefined) return 'again';
        state = clearing;
      }
    }
    const cleared = await this.#clear(log, state);
    return cleared === undefined ? 'again' : this.#forget(log, cleared);
  }

  /** Asks about a conflict: gives the state in which the target's log is to be cleared, or what came of it. */
  async #decide(conflict: LogConflict, state: LogState | undefined): Promise<LogOutcome | LogState> {
    const { key, source, target } = conflict;
    // What looks like somebody else's may be what another link has just brought.
    if (!isSameLogState(await this.#states.fresh(key), state)) return 'again';
    let decision: ConflictDecision | undefined;
    try {
      decision = await this.#context.book.decide(conflict);
    } catch (error) {
      this.#context.failures.push({ key, error });
      return 'failed';
    }
    if (decision === undefined) return 'conflict';
    if (decision === 'keep-target') {
      if (source === undefined) return this.#forget(key, state);
      const kept: LogState = { ...(state ?? blankLogState('')), source: source.version, plan: undefined, kept: true };
      return (await this.#save(key, state, kept)) ? 'done' : 'again';
    }
    if (decision !== 'overwrite') throw new ValidationError(`A conflict of the log ${key} cannot be decided by a merged record; use 'keep-target' or 'overwrite'.`, { key });
    const next = target === undefined ? blankLogState(newId()) : clearingOf(target.version);
    return (await this.#save(key, state, next)) ? next : 'again';
  }

  /** Writes down that the target's log, at this version, is about to be deleted; nothing when another link was first. */
  async #planClearing(log: Key, state: LogState | undefined, version: string): Promise<LogState | undefined> {
    const next = clearingOf(version);
    return (await this.#save(log, state, next)) ? next : undefined;
  }

  /** Deletes the target's log as was written down, unless it has changed since. */
  async #clear(log: Key, state: LogState): Promise<LogState | undefined> {
    const { to, signal } = this.#context;
    // Deleting a log has no condition, so it is looked at in the last moment.
    const target = await logAt(to, log, signal);
    const deletes = target !== undefined && target.version === state.clearing;
    if (deletes) {
      await to.deleteLog(log, { signal });
      this.#context.moved(0, { deletions: 1 });
    }
    const next = blankLogState(state.epoch);
    if (await this.#save(log, state, next)) return next;
    // Another link was faster, and may have begun the log anew before it was deleted here: whoever is next has to look at all of it.
    if (deletes) await this.#states.save([{ key: log, change: () => ({ to: blankLogState(newId()) }) }]);
    return undefined;
  }

  /** Keeps of a log that is gone from the source no more than its epoch. */
  async #forget(log: Key, state: LogState | undefined): Promise<LogOutcome> {
    return (await this.#save(log, state, { ...blankLogState(newId()), gone: true })) ? 'done' : 'again';
  }

  async #save(log: Key, from: LogState | undefined, to: LogState): Promise<boolean> {
    return (await this.#states.save([{ key: log, change: (now) => (isSameLogState(now, from) ? { to } : 'refused') }])).size === 0;
  }

  async #guard(log: Key, work: () => Promise<LogOutcome>): Promise<LogOutcome> {
    try {
      const outcome = await work();
      if (outcome === 'again') this.#context.unfinished++;
      return outcome;
    } catch (error) {
      if (isModelkeepError(error)) this.#context.failed(log, error);
      else throw error;
      return 'failed';
    }
  }
}

function isSettled(state: LogState | undefined, listed: string): boolean {
  return state !== undefined && state.source === listed && state.plan === undefined && state.clearing === undefined && state.gone !== true;
}

function clearingOf(version: string): LogState {
  return { ...blankLogState(newId()), clearing: version };
}

function sideOf(listed: ListEntry | undefined): LogConflict['source'] {
  return listed && { version: listed.version, size: listed.size };
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  // A prefix of keys may end anywhere but behind the dot that some segment would begin with.
  return a.slice(0, length);
}
