import { systemClock, type Clock, type Undo } from '../core/clock.ts';
import { durationMs } from '../core/duration.ts';
import { ModelkeepError, NotFoundError, ValidationError } from '../core/errors.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { systemRandom } from '../core/random.ts';
import { reportFailure } from '../core/report-failure.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readHead } from '../storage/head-record.ts';
import type { StoreListOptions } from '../storage/list-heads.ts';
import type { AbAnalysis } from './analysis/ab-analysis.ts';
import {
  openSchema,
  optionsSchema,
  rampSchema,
  startSchema,
  stopSchema,
  unitsSchema,
  weightsSchema,
  type ABTestOptions,
  type ABTestProcessOptions,
  type AnalyzeTestOptions,
  type ExposeOptions,
  type OpenABTestOptions,
  type RampOptions,
  type RecordOptions,
  type SetWeightsOptions,
  type StartOptions,
  type StopOptions,
  type UnitsOptions,
} from './ab-test-options.ts';
import type { Assignment, Attributes } from './assignment/assignment.ts';
import { AssignmentPlan } from './assignment/assignment-plan.ts';
import { StickyUnits } from './assignment/sticky-units.ts';
import { checkDefinition } from './definition/check-definition.ts';
import { ExperimentRecord, experimentKey, type ExperimentHistoryOptions } from './definition/experiment-record.ts';
import type { ExperimentEvent, ExperimentState, ExperimentStop } from './definition/experiment-state.ts';
import type { ABTestPage } from './definition/list-tests.ts';
import type { ExperimentDefinition, VariantOptions } from './experiment-definition.ts';
import type { UnitFold } from './folding/unit-fold.ts';
import { EventRecorder } from './recording/event-recorder.ts';
import { ExposedUnits } from './recording/exposed-units.ts';
import type { UnitTable } from './unit-table.ts';

/**
 * An experiment: divides units (users, sessions, whatever has an id) among variants, and records who met which variant and what came of it.
 *
 * `assign` is a pure function of the unit, its attributes and the definition: a salted hash, the same in every process and page, without any storage. What covers more of the units later (`ramp`) moves none of those that
 * had a variant. `expose` and `record` are synchronous and write in the background, in batches; `flush()` resolves when all that was taken is stored, and then nothing is lost or doubled, whatever dies. Any number of processes
 * take part under one name; the first one stores the definition, and others must agree with it or are told what differs (`ConflictError`).
 *
 * A unit is analysed by the variant that it was first exposed to, from that moment on; one that met several is left out and counted (`crossed`).
 *
 * @example
 * ```ts
 * import { ABTest, MemoryStorage } from 'modelkeep';
 *
 * await using test = new ABTest({
 *   storage: new MemoryStorage(),
 *   name: 'delay-model',
 *   variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }],
 *   metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }],
 * });
 * for (let i = 0; i < 1000; i++) {
 *   const { variant } = test.assign(`user-${i}`);
 *   test.expose(`user-${i}`);
 *   test.record(`user-${i}`, { converted: variant === 'B' ? 1 : 0 }, { id: `order-${i}` });
 * }
 * const { decision, units } = await test.analyze();
 * console.log(units, decision.action, decision.variant); // 1000 ship B
 * ```
 */
export class ABTest implements AsyncDisposable {
  /** Under which the test is stored. */
  readonly name: string;
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #overrides: ReadonlyMap<string, string>;
  readonly #given: ExperimentDefinition;
  readonly #remembered: number;
  readonly #lookMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #record: ExperimentRecord;
  readonly #recorder: EventRecorder;
  readonly #exposed: ExposedUnits;
  #plan: AssignmentPlan;
  #sticky: StickyUnits | undefined;
  #fold: { readonly names: string; readonly made: Promise<UnitFold> } | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #starting: Promise<void> | undefined;
  #undoTimer: Undo | undefined;
  #closed = false;

  constructor(options: ABTestOptions) {
    check(optionsSchema, options, 'options');
    const { name, storage, flushInterval = '1s', lookInterval = '10s', maxBuffered = 200_000, remembered = 50_000, clock = systemClock, random = systemRandom, onError } = options;
    this.name = name;
    this.#storage = storage;
    this.#clock = clock;
    this.#remembered = remembered;
    this.#lookMs = durationMs(lookInterval, 'options.lookInterval');
    this.#onError = (error) => reportFailure(error, { who: `Test '${name}'`, onError });
    this.#given = checkDefinition(name, options);
    this.#overrides = checkOverrides(options, this.#given);
    this.#plan = this.#planOf({ definition: this.#given });
    this.#record = new ExperimentRecord({ storage, name, clock }, (state) => (this.#plan = this.#planOf(state)));
    this.#exposed = new ExposedUnits(remembered);
    this.#recorder = new EventRecorder({
      storage,
      log: eventLog(name),
      name,
      segments: this.#given.segments,
      maxBuffered,
      intervalMs: durationMs(flushInterval, 'options.flushInterval'),
      clock,
      random,
      before: () => this.#begin(),
      onFailure: this.#onError,
    });
  }

  /**
   * The test of that name as it is stored. Throws `NotFoundError` when there is none, which `new ABTest` with a definition and `start()` makes.
   *
   * @example
   * ```ts
   * import { ABTest, MemoryStorage } from 'modelkeep';
   *
   * const storage = new MemoryStorage();
   * await new ABTest({ storage, name: 'button', variants: [{ name: 'red' }, { name: 'green' }] }).start();
   * const test = await ABTest.open({ storage, name: 'button' });
   * console.log(test.variants.map(({ name }) => name)); // ['red', 'green']
   * ```
   */
  static async open(options: OpenABTestOptions): Promise<ABTest> {
    check(openSchema, options, 'options');
    const { signal, ...rest } = options;
    const state = await readHead<ExperimentState>({ storage: options.storage, key: experimentKey(options.name) }, { signal });
    if (state === undefined) throw new NotFoundError(`The test '${options.name}' is not in ${options.storage.name}; make it with new ABTest({ variants, … }) and start() it.`, { key: experimentKey(options.name) });
    const test = new ABTest({ ...rest, ...state.definition });
    await test.start({ signal });
    return test;
  }

  /**
   * A page of the tests of a store, in a fixed order, each with its definition and how it ended. One that cannot be read is in `damaged` and hides no other. Costs a read of each test's record, not of its events.
   *
   * Throws `ValidationError` when an option is not what it must be.
   *
   * @example
   * ```ts
   * import { ABTest, MemoryStorage } from 'modelkeep';
   *
   * const storage = new MemoryStorage();
   * for (const name of ['button', 'price']) {
   *   await using test = new ABTest({ storage, name, variants: [{ name: 'A' }, { name: 'B' }] });
   *   await test.start();
   * }
   * const { items } = await ABTest.list({ storage });
   * console.log(items.filter(({ stopped }) => stopped === undefined).map(({ name }) => name)); // ['button', 'price']
   * ```
   */
  static async list(options: StoreListOptions): Promise<ABTestPage> {
    const { listTests } = await import('./definition/list-tests.ts');
    return listTests(options);
  }

  /** The variants with the weights that count now, in their order. */
  get variants(): readonly VariantOptions[] {
    return this.#plan.definition.variants;
  }

  /** What the test is, as far as this process knows: as it was given, until it has begun, and as it is stored from then on. */
  get definition(): ExperimentDefinition {
    return this.#plan.definition;
  }

  /** How the test ended; `undefined` while it runs, as far as this process knows. */
  get stopped(): ExperimentStop | undefined {
    return this.#record.state?.stopped;
  }

  /**
   * The variant of a unit, and why; or why it has none. Synchronous, and the same for the same unit and attributes wherever the definition is the same. In this order: a stopped test, an override, the holdout, targeting, the layer, and
   * the hash. Throws `ValidationError` when the unit is no text or empty. No attribute makes it throw: one of another type than asked for counts as different.
   *
   * @param unit - The id of whoever is assigned.
   * @param attributes - What is known of the unit, for targeting.
   */
  assign(unit: string, attributes?: Attributes): Assignment {
    return this.#plan.assign(unit, attributes);
  }

  /**
   * The variant of a unit for good: the first one is stored, and counts in every process over whatever is changed later, be it weights, coverage, targeting or the definition. Only a stopped test and overrides go before it. A unit without a
   * variant is not stored, so that it can come in later.
   *
   * One read for a unit that this process does not remember, and one write for one that is new.
   */
  async assignSticky(unit: string, attributes?: Attributes, options: OperationOptions = {}): Promise<Assignment> {
    this.#demandOpen();
    const plan = this.#plan;
    const decided = plan.decided(unit);
    if (decided !== undefined) return decided;
    this.#sticky ??= new StickyUnits(this.#storage, experimentKey(this.name), this.#remembered);
    let fresh: Assignment | undefined;
    const variant = await this.#sticky.variantOf(unit, () => (fresh = plan.hashed(unit, attributes)).variant, options);
    if (fresh?.variant !== undefined && fresh.variant === variant) return fresh;
    return (variant === undefined ? undefined : plan.as(variant, 'sticky')) ?? plan.hashed(unit, attributes);
  }

  /**
   * Records that a unit has met its variant, and gives the assignment. A unit without a variant, with one by override, or of a stopped test is not recorded. Exposed again to the same variant, a unit costs a look-up.
   *
   * Synchronous; throws `ValidationError` for what cannot be recorded, `overloaded` when too many events wait for the storage, and `closed` after `close()`.
   */
  expose(unit: string, { variant, attributes = {}, at = this.#clock.now() }: ExposeOptions = {}): Assignment {
    this.#demandOpen();
    const assignment = this.#exposureOf(unit, variant, attributes);
    if (assignment.variant === undefined || assignment.reason === 'override' || assignment.reason === 'shipped') return assignment;
    if (this.#exposed.has(unit, assignment.variant, at)) return assignment;
    this.#recorder.expose(unit, assignment.variant, at, attributes, (this.#record.state?.epochs?.length ?? 1) - 1);
    this.#exposed.add(unit, assignment.variant, at);
    return assignment;
  }

  /**
   * Records what came of a unit: numbers by the names that metrics ask for. It counts if the unit was exposed, whichever comes first, and from whichever process.
   *
   * Synchronous; throws `ValidationError` for what is no finite number, `overloaded` when too many events wait for the storage, and `closed` after `close()`; it has taken nothing then.
   */
  record(unit: string, values: Readonly<Record<string, number>>, { id, at = this.#clock.now() }: RecordOptions = {}): void {
    this.#demandOpen();
    this.#recorder.record(unit, values, at, id);
  }

  /** Events that this process has taken and not yet written. */
  get buffered(): number {
    return this.#recorder.buffered;
  }

  /** Resolves when all that was taken is stored; rejects when it cannot be, and it is tried again in the background then. */
  async flush(options: OperationOptions = {}): Promise<void> {
    await this.#recorder.flush(options);
  }

  /**
   * Stores the definition, or agrees with the one that is stored: what covers more there, or was stopped there, counts here too. From then on this process looks for changes. Without it the first write does so. Throws `ConflictError` that
   * says what differs where units would be moved.
   */
  async start(options: StartOptions = {}): Promise<void> {
    const { redefine = false, by, reason, signal } = check(startSchema, options, 'options');
    this.#demandOpen();
    await this.#record.agree(this.#given, { redefine, by, reason }, { signal });
    this.#starting = Promise.resolve();
    this.#look();
  }

  /** Covers more of the units. Those that had a variant keep it. Throws `ConflictError` for less than before, or when the test was stopped. */
  async ramp(options: RampOptions): Promise<void> {
    const { coverage, by, reason, signal } = check(rampSchema, options, 'options');
    await this.#begin();
    await this.#record.ramp(coverage, { by, reason }, { signal });
  }

  /** Gives the variants of an adaptive test other weights, such as those of `banditWeights`. Throws `ConflictError` when the test is not adaptive, or was stopped. */
  async setWeights(options: SetWeightsOptions): Promise<void> {
    const { weights, by, reason, signal } = check(weightsSchema, options, 'options');
    await this.#begin();
    await this.#record.setWeights(weights, { by, reason }, { signal });
  }

  /** Ends the test in all processes: everybody is given the shipped variant from then on, or none. Values are still taken, as windows may still be open. Throws `ConflictError` when it was stopped before. */
  async stop(options: StopOptions = {}): Promise<void> {
    const { ship, decision, by, reason, signal } = check(stopSchema, options, 'options');
    await this.#begin();
    await this.#record.stop({ ship, decision, by, reason }, { signal });
  }

  /** What happened to the test, oldest first: when it was created, ramped, given other weights or metrics, redefined, stopped, by whom and why. */
  async history(options: ExperimentHistoryOptions = {}): Promise<Page<ExperimentEvent>> {
    return this.#record.history(options);
  }

  /**
   * What the units came to, of all processes, as of now: their variants and their values in each metric. The first call reads all events, later ones what has come since; the same events give the same table, in whichever order they came.
   * It keeps about 40 bytes of memory for each unit, and 22 to 80 for each value whose name a metric asks for.
   */
  async units(options: UnitsOptions = {}): Promise<UnitTable> {
    return (await this.#unitsBy(options)).table;
  }

  /**
   * What the units say, of all processes, as of now: the effects in each metric, whether the shares are as they should be, and what to do with the reasons, as {@link analyzeUnits} has it of `units()`. It may be looked at any time. Where weights were changed, units are compared with those that
   * came by the same; a test that changes them by itself can only be analysed by the method `sequential`.
   */
  async analyze({ at, signal, ...options }: AnalyzeTestOptions = {}): Promise<AbAnalysis> {
    const { method } = options;
    if (typeof this.definition.adaptive === 'object' && method !== undefined && method !== 'sequential') {
      throw new ValidationError(`options.method is '${method}', whose looks are planned, and the weights of the test '${this.name}' follow from what came of its units; analyse it by 'sequential'.`, { path: 'options.method' });
    }
    const { table, definition } = await this.#unitsBy({ at, signal });
    // Who only assigns and records never needs it.
    const { analyzeUnits } = await import('./analysis/analyze-units.ts');
    const { variants, control, metrics } = definition;
    return analyzeUnits({ variants, control, metrics }, table, options);
  }

  /** Writes what was taken, and ends what goes on in the background. A second call is harmless. */
  async close(options: OperationOptions = {}): Promise<void> {
    if (this.#closed) return;
    if (this.buffered > 0) await this.flush(options);
    this.#closed = true;
    this.#undoTimer?.();
    this.#recorder.stop();
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #planOf({ definition, stopped }: Pick<ExperimentState, 'definition' | 'stopped'>): AssignmentPlan {
    return new AssignmentPlan({ definition, overrides: this.#overrides, stopped });
  }

  #exposureOf(unit: string, variant: string | undefined, attributes: Attributes): Assignment {
    if (variant === undefined) return this.#plan.assign(unit, attributes);
    const decided = this.#plan.decided(unit);
    if (decided !== undefined) return decided;
    const named = this.#plan.as(variant, 'assigned');
    if (named === undefined) throw new ValidationError(`variant is ${shown(variant, 80)}, which is none of ${this.variants.map(({ name }) => name).join(', ')}.`, { path: 'variant' });
    return named;
  }

  /** Agrees with the stored definition, once. */
  #begin(): Promise<void> {
    this.#starting ??= this.start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Looks for what others have changed, after a while and again. */
  #look(): void {
    this.#undoTimer?.();
    if (this.#closed) return;
    this.#undoTimer = this.#clock.setTimer(() => {
      this.#record
        .look()
        .then(() => this.#reviewWeights())
        .catch(this.#onError)
        .finally(() => this.#look());
    }, this.#lookMs);
  }

  /** Looks at the weights of a test that changes them by itself, when that is due. */
  async #reviewWeights(): Promise<void> {
    if (this.#closed || typeof this.definition.adaptive !== 'object') return;
    const { isReviewDue, reviewWeights } = await import('./adaptation/reweighing.ts');
    if (!isReviewDue(this.#record.state, this.#clock.now())) return;
    await reviewWeights({ storage: this.#storage, key: experimentKey(this.name), name: this.name, clock: this.#clock, record: this.#record, units: (options) => this.#unitsBy(options), onError: this.#onError });
  }

  /** The table of the units, and the definition by whose variants it is. */
  async #unitsBy(options: UnitsOptions): Promise<{ readonly table: UnitTable; readonly definition: ExperimentDefinition }> {
    const { at = this.#clock.now(), signal } = check(unitsSchema, options, 'options');
    if (!this.#closed) await this.flush({ signal });
    const { definition } = this.#plan;
    const { state } = this.#record;
    const fold = await this.#foldBy(definition.variants);
    const reading = this.#reading.then(() => fold.read({ signal }));
    this.#reading = reading.catch(() => undefined);
    await reading;
    return { table: fold.table(at, weightsBy(state, definition)), definition: { ...definition, metrics: this.#given.metrics } };
  }

  /** What was read so far; from the first event again when another process has given the test other variants meanwhile. */
  #foldBy(variants: readonly VariantOptions[]): Promise<UnitFold> {
    const names = JSON.stringify(variants.map(({ name }) => name));
    if (this.#fold?.names === names) return this.#fold.made;
    const made = this.#newFold(variants);
    this.#fold = { names, made };
    return made;
  }

  async #newFold(variants: readonly VariantOptions[]): Promise<UnitFold> {
    // Who only assigns and records never needs it.
    const { UnitFold: Fold } = await import('./folding/unit-fold.ts');
    const { metrics, segments } = this.#given;
    return new Fold({ storage: this.#storage, log: eventLog(this.name), definition: { variants, metrics, segments } });
  }

  #demandOpen(): void {
    if (this.#closed) throw new ModelkeepError('closed', `The test '${this.name}' was closed; open another.`, { name: this.name });
  }
}

/** The weights of a test one after the other, in the order of its variants; a variant that it did not have had none. */
function weightsBy(state: ExperimentState | undefined, { variants }: ExperimentDefinition): readonly (readonly number[])[] {
  return (state?.epochs ?? []).map(({ weights }) => variants.map(({ name }) => (Object.hasOwn(weights, name) ? weights[name]! : 0)));
}

function eventLog(name: string): string {
  return `${experimentKey(name)}/events`;
}

function checkOverrides({ overrides = {} }: ABTestProcessOptions, { variants }: ExperimentDefinition): ReadonlyMap<string, string> {
  for (const [unit, variant] of Object.entries(overrides)) {
    if (!variants.some(({ name }) => name === variant)) throw new ValidationError(`options.overrides gives ${shown(unit, 80)} the variant ${shown(variant, 80)}, which the test does not have.`, { path: 'options.overrides' });
  }
  return new Map(Object.entries(overrides));
}
