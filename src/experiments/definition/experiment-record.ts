import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { ConflictError, NotFoundError, ValidationError } from '../../core/errors.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter, Version } from '../../storage/contract.ts';
import { changeHead, readHeadUnless, type HeadChange, type HeadLocation } from '../../storage/head-record.ts';
import { HistoryPages } from '../../storage/history-pages.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';
import { checkFloor } from './check-adaptive.ts';
import { checkWeights } from './check-definition.ts';
import { agreeing, experimentEvent, nextEpochs, weightsOf, type Agreement, type ChangeAuthor, type ExperimentEvent, type ExperimentState } from './experiment-state.ts';

/** Where a test is kept. */
export interface RecordLocation {
  readonly storage: StorageAdapter;
  readonly name: string;
  readonly clock: Clock;
}

/** Which part of the history is asked for. */
export interface ExperimentHistoryOptions extends OperationOptions {
  /** The `next` of the page before. @default from the first */
  readonly after?: string | undefined;
  /** How many events at most, up to 10,000. @default 100 */
  readonly limit?: number | undefined;
}

const limitSchema = /* @__PURE__ */ z.int().check(z.minimum(1), z.maximum(10_000));

/** What a change makes of a state. */
type StateChange = Partial<Omit<ExperimentState, 'format'>> & { readonly event?: HeadChange<ExperimentState>['events'][number] | undefined };

/** The key of a test's record and history. */
export function experimentKey(name: string): Key {
  return `experiments/${escapeSegment(name)}`;
}

/** The stored side of a test: what all processes agree on, and its history. Each change is told to `adopt` as soon as it is known. */
export class ExperimentRecord {
  readonly #at: HeadLocation;
  readonly #name: string;
  readonly #adopt: (state: ExperimentState) => void;
  #version: Version | undefined;
  #state: ExperimentState | undefined;
  #history: HistoryPages | undefined;
  /** How often a state was taken. */
  #taken = 0;

  constructor({ storage, name, clock }: RecordLocation, adopt: (state: ExperimentState) => void) {
    this.#at = { storage, key: experimentKey(name), clock };
    this.#name = name;
    this.#adopt = adopt;
  }

  /** What is known to be stored. */
  get state(): ExperimentState | undefined {
    return this.#state;
  }

  /** Writes the definition, or agrees with the one that is there. */
  async agree(given: ExperimentDefinition, how: Agreement, options: OperationOptions): Promise<void> {
    let found: ExperimentState | undefined;
    const { state } = await changeHead<ExperimentState>(
      this.#at,
      (before) => {
        found = before;
        return agreeing(this.#name, before, given, how, this.#at.clock!.now());
      },
      options,
    );
    this.#take((state ?? found)!);
  }

  /** Reads what others have changed. */
  async look(options: OperationOptions = {}): Promise<void> {
    const taken = this.#taken;
    const head = await readHeadUnless<ExperimentState>(this.#at, this.#version, options);
    // What was taken meanwhile may be newer than what was read.
    if (head === undefined || taken !== this.#taken) return;
    this.#version = head.version;
    if (head.state !== undefined) this.#take(head.state);
  }

  /** Covers more. */
  async ramp(coverage: number, author: ChangeAuthor, options: OperationOptions): Promise<void> {
    await this.#change(({ definition }) => {
      if (coverage === definition.coverage) return undefined;
      if (coverage < definition.coverage) {
        throw new ConflictError(`The test '${this.#name}' covers ${definition.coverage} of its units already; to cover ${coverage} would take units out that were counted. Stop it, or start another with a salt of its own.`, { name: this.#name, coverage: definition.coverage });
      }
      return { definition: { ...definition, coverage }, event: experimentEvent(this.#name, 'ramped', { from: definition.coverage, to: coverage }, author) };
    }, options);
  }

  /** Gives the variants of an adaptive test other weights. */
  async setWeights(weights: Readonly<Record<string, number>>, author: ChangeAuthor, options: OperationOptions): Promise<void> {
    await this.#change((state) => this.#reweighted(state, weights, author), options);
  }

  /**
   * Stores what a look at the weights of an adaptive test came to, unless somebody else changed or looked at them since `seen`: other weights with the evidence for them, or only that it was looked.
   */
  async review(seen: ExperimentState, found: { readonly weights: Readonly<Record<string, number>>; readonly evidence: unknown; readonly author: ChangeAuthor } | undefined, options: OperationOptions): Promise<void> {
    await this.#change((state) => {
      if (state.reviewedAt !== seen.reviewedAt || state.epochs?.length !== seen.epochs?.length || typeof state.definition.adaptive !== 'object') return undefined;
      return found === undefined ? { definition: state.definition, reviewedAt: this.#at.clock!.now() } : this.#reweighted(state, found.weights, found.author, found.evidence);
    }, options);
  }

  /** Ends the test for all processes. */
  async stop({ ship, by, reason, decision }: ChangeAuthor & { readonly ship?: string | undefined; readonly decision?: unknown }, options: OperationOptions): Promise<void> {
    await this.#change(({ definition }) => {
      if (ship !== undefined && !definition.variants.some(({ name }) => name === ship)) throw new ValidationError(`ship is ${shown(ship, 80)}, which is no variant of the test '${this.#name}'.`, { path: 'ship' });
      const stopped = { at: this.#at.clock!.now(), ...(by !== undefined && { by }), ...(reason !== undefined && { reason }), ...(ship !== undefined && { ship }) };
      return { definition, stopped, event: experimentEvent(this.#name, 'stopped', { ship: ship ?? null, decision: decision ?? null }, { by, reason }) };
    }, options);
  }

  /** A page of what happened, oldest first. */
  async history({ after, limit = 100, signal }: ExperimentHistoryOptions): Promise<Page<ExperimentEvent>> {
    const checked = check(limitSchema, limit, 'limit');
    if (after !== undefined && !/^\d{1,15}$/.test(after)) throw new ValidationError(`after is ${shown(after, 80)}; give the next of a page.`, { path: 'after' });
    this.#history ??= new HistoryPages(this.#at);
    const { events, next } = await this.#history.page(Number(after ?? 0), { limit: checked, wants: () => true, signal });
    return { items: events as ExperimentEvent[], ...(next !== undefined && { next: String(next) }) };
  }

  #reweighted(state: ExperimentState, weights: Readonly<Record<string, number>>, author: ChangeAuthor, evidence?: unknown): StateChange {
    const { definition } = state;
    if (definition.adaptive === false) throw new ConflictError(`The test '${this.#name}' is not adaptive: other weights would move units that were assigned. Define it with adaptive: true, or start another.`, { name: this.#name });
    const names = definition.variants.map(({ name }) => name);
    const stranger = Object.keys(weights).find((name) => !names.includes(name)) ?? names.find((name) => !Object.hasOwn(weights, name));
    if (stranger !== undefined) throw new ValidationError(`weights must name each variant (${names.join(', ')}) and nothing else; look at ${shown(stranger, 80)}.`, { path: 'weights' });
    checkWeights(names.map((name) => weights[name]), definition.hash);
    if (definition.adaptive !== true) checkFloor(names.map((name) => weights[name]!), definition.adaptive.floor);
    const next = { ...definition, variants: definition.variants.map((variant) => ({ ...variant, weight: weights[variant.name]! })) };
    const now = this.#at.clock!.now();
    const data = { from: weightsOf(definition), to: weights, ...(evidence !== undefined && { evidence }) };
    return {
      definition: next,
      epochs: nextEpochs(this.#name, state, next, now),
      ...(definition.adaptive !== true && { reviewedAt: now }),
      event: experimentEvent(this.#name, 'reweighted', data, author),
    };
  }

  async #change(change: (state: ExperimentState) => StateChange | undefined, options: OperationOptions): Promise<void> {
    const { state } = await changeHead<ExperimentState>(
      this.#at,
      (before) => {
        if (before === undefined) throw new NotFoundError(`The test '${this.#name}' is not in ${this.#at.storage.name} yet; start() it first.`, { key: this.#at.key });
        if (before.stopped !== undefined) throw new ConflictError(`The test '${this.#name}' was stopped${before.stopped.by === undefined ? '' : ` by ${before.stopped.by}`}, and does not change any more; start another.`, { name: this.#name });
        const next = change(before);
        if (next === undefined) return undefined;
        const { event, ...rest } = next;
        return { state: { ...before, ...rest }, events: event === undefined ? [] : [event] };
      },
      options,
    );
    this.#take(state!);
  }

  #take(state: ExperimentState): void {
    this.#taken++;
    this.#state = state;
    this.#adopt(state);
  }
}
