import type { AuditEvent, NewAuditEvent } from '../../core/audit.ts';
import { canonicalJson } from '../../core/codec.ts';
import { ConflictError } from '../../core/errors.ts';
import type { HeadChange } from '../../storage/head-record.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';

/** How a test ended. */
export interface ExperimentStop {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who stopped it. */
  readonly by?: string | undefined;
  /** Why. */
  readonly reason?: string | undefined;
  /** The variant that everybody has from then on; absent where the test gives none any more. */
  readonly ship?: string | undefined;
}

/** What is stored of a test. */
export interface ExperimentState {
  readonly format: 1;
  readonly definition: ExperimentDefinition;
  readonly stopped?: ExperimentStop | undefined;
  /** By which weights units came, the first ones first, once they were changed; absent while they are those of the beginning. */
  readonly epochs?: readonly AllocationEpoch[] | undefined;
  /** When the weights of an adaptive test were looked at, or set, last, epoch milliseconds. */
  readonly reviewedAt?: number | undefined;
}

/** Weights, and from when on. */
export interface AllocationEpoch {
  /** Epoch milliseconds; absent of the first. */
  readonly from?: number | undefined;
  /** By the names of the variants. */
  readonly weights: Readonly<Record<string, number>>;
}

/** What happened to a test. */
export type ExperimentEventType = 'created' | 'ramped' | 'reweighted' | 'redefined' | 'metrics-changed' | 'stopped';

/** One change of a test, with who made it and why; its `data` has what changed, before and after. */
export type ExperimentEvent = AuditEvent<ExperimentEventType>;

/** Who changes a test, and why. */
export interface ChangeAuthor {
  /** Who. @default unsaid */
  readonly by?: string | undefined;
  /** Why. @default unsaid */
  readonly reason?: string | undefined;
}

/** How a definition is brought to a stored test: who does so and why, and whether it may move units. */
export interface Agreement extends ChangeAuthor {
  readonly redefine: boolean;
}

/** One thing in which two definitions differ. */
export interface DefinitionDifference {
  /** The option. */
  readonly option: string;
  /** What is stored. */
  readonly stored: unknown;
  /** What was given. */
  readonly given: unknown;
}

// What says which units take part and as what: a change of any of these moves units that were assigned before.
const fixed = ['control', 'salt', 'hash', 'layer', 'holdout', 'targeting', 'adaptive'] as const;
const measured = ['metrics', 'segments'] as const;

// So many changes can be told apart; the record keeps them all.
const mostEpochs = 1_000;

/** The epochs of a test that gets other weights. Throws `ConflictError` when it had too many. */
export function nextEpochs(name: string, { definition, epochs = [{ weights: weightsOf(definition) }] }: ExperimentState, next: ExperimentDefinition, from: number): readonly AllocationEpoch[] {
  if (epochs.length >= mostEpochs) throw new ConflictError(`The weights of the test '${name}' were changed ${epochs.length - 1} times, and can be changed no more; start another.`, { name, changes: epochs.length - 1 });
  return [...epochs, { from, weights: weightsOf(next) }];
}

/** The weights of the variants by their names. */
export function weightsOf({ variants }: Pick<ExperimentDefinition, 'variants'>): Readonly<Record<string, number>> {
  return Object.fromEntries(variants.map(({ name, weight = 1 }) => [name, weight]));
}

/** The event of a change. */
export function experimentEvent(name: string, type: ExperimentEventType, data: unknown, { by, reason }: ChangeAuthor = {}): NewAuditEvent {
  return { type, subject: { kind: 'abtest', id: name }, data, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}

/**
 * The change that makes the stored test agree with a definition: it is created where there is none, covers more where more is given, and measures what is given. Throws `ConflictError` with the differences where they would move units,
 * unless `redefine` says that this is meant. Each event tells who did it.
 */
export function agreeing(name: string, state: ExperimentState | undefined, given: ExperimentDefinition, { redefine, ...author }: Agreement, now: number): HeadChange<ExperimentState> | undefined {
  if (state === undefined) return { state: { format: 1, definition: given, ...reviewed(given, now) }, events: [experimentEvent(name, 'created', { definition: given }, author)] };
  const { definition } = state;
  const differences = movingDifferences(definition, given);
  if (differences.length > 0 && !redefine) throw disagreement(name, differences);
  if (state.stopped !== undefined) return undefined;
  const events: NewAuditEvent[] = [];
  let next = definition;
  let changes: Partial<ExperimentState> = {};
  if (differences.length > 0) {
    next = { ...given, coverage: next.coverage, metrics: next.metrics, segments: next.segments };
    events.push(experimentEvent(name, 'redefined', { differences }, author));
    changes = { reviewedAt: undefined, ...reviewed(given, now), ...(given.adaptive !== false && !same(weightsOf(definition), weightsOf(given)) && { epochs: nextEpochs(name, state, given, now) }) };
  }
  if (given.coverage > next.coverage) {
    events.push(experimentEvent(name, 'ramped', { from: next.coverage, to: given.coverage }, author));
    next = { ...next, coverage: given.coverage };
  }
  const changed = measured.filter((option) => !same(next[option], given[option]));
  if (changed.length > 0) {
    events.push(experimentEvent(name, 'metrics-changed', { from: { metrics: next.metrics, segments: next.segments }, to: { metrics: given.metrics, segments: given.segments } }, author));
    next = { ...next, metrics: given.metrics, segments: given.segments };
  }
  return events.length === 0 ? undefined : { state: { ...state, ...changes, definition: next }, events };
}

/** A test that changes its weights by itself waits for the first look from its beginning on. */
function reviewed({ adaptive }: ExperimentDefinition, now: number): Pick<ExperimentState, 'reviewedAt'> {
  return typeof adaptive === 'object' ? { reviewedAt: now } : {};
}

/** In what two definitions differ that moves units. */
function movingDifferences(stored: ExperimentDefinition, given: ExperimentDefinition): DefinitionDifference[] {
  const differences: DefinitionDifference[] = fixed.filter((option) => !same(stored[option], given[option])).map((option) => ({ option, stored: stored[option] ?? null, given: given[option] ?? null }));
  // The weights of an adaptive test change as it goes, so that only the first who comes has a say in them.
  const variantsOf = ({ variants }: ExperimentDefinition): unknown => (stored.adaptive ? variants.map(({ weight: _, ...rest }) => rest) : variants);
  if (!same(variantsOf(stored), variantsOf(given))) differences.unshift({ option: 'variants', stored: stored.variants, given: given.variants });
  return differences;
}

function disagreement(name: string, differences: readonly DefinitionDifference[]): ConflictError {
  const told = differences.map(({ option, stored, given }) => `${option} is ${canonicalJson(stored)} there and ${canonicalJson(given)} here`).join('; ');
  return new ConflictError(
    `The test '${name}' is stored with another definition: ${told}. This would move units that were assigned; give what is stored, use another name, or say start({ redefine: true }).`,
    { name, differences },
  );
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a ?? null) === canonicalJson(b ?? null);
}
