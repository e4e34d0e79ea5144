import { setTimeout as pause } from 'node:timers/promises';
import { Pipeline, Tracker, type ExecutionOptions, type PipelineResult, type StepContext, type StepHandle } from '../../../src/index.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { seededRandom } from '../../../src/core/random.ts';

/** That the work of a step has begun, or of an item of it; of a step that lists its items, that it did. */
export interface Begun {
  readonly pipeline: string;
  readonly run: string;
  readonly step: string;
  readonly index?: number | undefined;
}

/** A pipeline that its number decides, the same in every process. */
export interface RandomPipeline {
  readonly pipeline: Pipeline;
  readonly tracker: Tracker;
  readonly handles: readonly StepHandle<unknown>[];
  /** Of those that are steps of it, whose runs are begun anew by a retry. */
  readonly inner: readonly string[];
  /** The steps whose work logs its beginning and its end. */
  readonly logging: ReadonlySet<string>;
  /** Whether its attempts are made by who works for it. */
  readonly hasWorkers: boolean;
  /** Decides about a step that waits for somebody, the same whoever asks; not about one that expires. */
  readonly decide: (run: string, step: string) => Promise<void>;
  /** Whether what some step came to hangs on which of those before it ended first. */
  readonly hangsOnOrder: (result: PipelineResult) => boolean;
}

/** Where it runs. */
export interface RandomTerms {
  readonly storage: StorageAdapter;
  readonly begun: (unit: Begun) => void;
  /** How long works last, as a multiple of a few milliseconds. */
  readonly pace: number;
  /** Whether all of it is done by the process of the run, whatever the pipeline says. @default false */
  readonly alone?: boolean;
}

// Those whose verdict does not hang on which step ends first, but for the mixture that hangsOnOrder tells of.
const triggers = ['all_success', 'all_success', 'all_success', 'all_done', 'none_failed', 'all_failed', 'none_skipped'] as const;
// A process that was killed keeps nobody waiting for longer.
const lease = '400ms';

type Verdict = (run: string, step: string) => Promise<void>;

/** Begins a run or goes on with it, and decides for everybody that it waits for, until it has ended. */
export async function carriedOut({ pipeline, hasWorkers, decide }: RandomPipeline, id: string | undefined, options: ExecutionOptions = {}): Promise<PipelineResult> {
  const worker = hasWorkers ? pipeline.work() : undefined;
  let result = await (id === undefined ? pipeline.run(options) : pipeline.resume(id, { ...options, takeOver: true }));
  while (result.status === 'waiting') {
    for (const { step } of result.waitingFor) await decide(result.id, step);
    const until = Math.min(...result.waitingFor.map((step) => step.until ?? 0));
    await pause(Math.max(0, until - Date.now()));
    result = await pipeline.resume(result.id, options);
  }
  await worker?.close();
  return result;
}

/** Makes the pipeline of that number. */
export function randomPipeline(number: number, terms: RandomTerms): RandomPipeline {
  return new Maker(number, terms).make();
}

type Context = StepContext<Readonly<Record<string, unknown>>, unknown>;

class Maker {
  readonly #random: () => number;
  readonly #terms: RandomTerms;
  readonly #name: string;
  readonly #tracker: Tracker;
  readonly #pipeline: Pipeline;
  readonly #handles: StepHandle<unknown>[] = [];
  readonly #inner: string[] = [];
  readonly #logging = new Set<string>();
  readonly #strict: (readonly string[])[] = [];
  readonly #verdicts = new Map<string, Verdict>();
  readonly #hasWorkers: boolean;

  constructor(number: number, terms: RandomTerms) {
    this.#random = seededRandom(number);
    this.#terms = terms;
    this.#name = `graph-${number}`;
    this.#tracker = new Tracker({ storage: terms.storage });
    this.#hasWorkers = this.#chance(0.25) && !(terms.alone ?? false);
    this.#pipeline = new Pipeline({ name: this.#name, storage: terms.storage, tracker: this.#tracker, pools: { gpu: 2 }, grace: 0, lease, ...(this.#hasWorkers && { executor: 'workers' }) });
  }

  make(): RandomPipeline {
    const size = 4 + this.#below(6);
    for (let i = 0; i < size; i++) this.#handles.push(this.#one(`s${i}`));
    const { tracked, retries, fails, ms } = this.#nature();
    this.#logging.add('end');
    this.#handles.push(this.#pipeline.finally('end', { retries }, this.#work(fails, ms, tracked, ({ states }) => Object.fromEntries(Object.entries(states).map(([name, { status }]) => [name, status])))));
    const has = (before: readonly string[], steps: PipelineResult['steps'], ...of: string[]): boolean => before.some((name) => of.includes(steps[name]!.status));
    return {
      pipeline: this.#pipeline,
      tracker: this.#tracker,
      handles: this.#handles,
      inner: this.#inner,
      logging: this.#logging,
      hasWorkers: this.#hasWorkers,
      decide: async (run, step) => this.#verdicts.get(step)?.(run, step),
      hangsOnOrder: ({ steps }) => this.#strict.some((before) => has(before, steps, 'skipped') && has(before, steps, 'failed', 'upstream_failed')),
    };
  }

  #one(name: string): StepHandle<unknown> {
    const before = this.#handles.filter(() => this.#chance(0.35));
    const needs = Object.fromEntries(before.filter(() => this.#chance(0.5)).map((step) => [step.name, step]));
    const after = before.filter((step) => !(step.name in needs));
    const trigger = triggers[this.#below(triggers.length)]!;
    if (trigger === 'all_success') this.#strict.push(before.map((step) => step.name));
    const [wanted, allowFailure] = [!this.#chance(0.12), this.#chance(0.3)];
    const place = { needs, after, trigger, allowFailure, when: () => wanted };
    const { fails, ms, tracked, cached, pooled, slots, priority, retries } = this.#nature();
    const all = { ...place, retries, priority, ...(pooled && { pool: 'gpu', slots }) };
    const kind = this.#random();
    if (kind < 0.1) return this.#pipeline.sleep(name, { ...place, for: ms * this.#terms.pace });
    if (kind < 0.2) return this.#pipeline.gate(name, all, ({ run }) => this.#tell(run, [{ name: 'good', passed: fails < 2, actual: fails }]));
    if (kind < 0.3) return this.#pipeline.step(name, all, this.#nested(name).asStep({ output: () => name }));
    if (kind < 0.38) return this.#approval(name, place);
    this.#logging.add(name);
    if (kind < 0.46) return this.#quarantine(name, all, this.#work(fails, ms, tracked, ({ inputs }) => ({ name, inputs })));
    if (kind < 0.62) return this.#map(name, all);
    return this.#pipeline.step(name, { ...all, ...(cached && { cache: { version: '1' } }) }, this.#work(fails, ms, tracked, ({ inputs }) => ({ name, inputs, bytes: new Uint8Array(ms * 4000) })));
  }

  #map(name: string, options: object): StepHandle<unknown> {
    const count = this.#below(9);
    const items = Array.from({ length: count }, () => this.#nature());
    const most = 1 + this.#below(4);
    const over = ({ run }: Context): number[] => this.#tell(run, items.map((_, i) => i));
    return this.#pipeline.map(name, { ...options, over, concurrency: most }, (context) => {
      const { fails, ms, tracked } = items[context.item]!;
      return this.#work(fails, ms, tracked, () => ({ item: context.item }))(context);
    });
  }

  /** A step that is approved or rejected, by somebody or by the time. */
  #approval(name: string, place: object): StepHandle<unknown> {
    const [good, decided, ms] = [this.#chance(0.7), this.#chance(0.7), 1 + this.#below(20)];
    const by = { by: 'ada', comment: name };
    if (decided) this.#verdicts.set(name, good ? (run, step) => this.#pipeline.approve(run, step, by) : (run, step) => this.#pipeline.reject(run, step, by));
    const ask = ({ run }: Context): string => this.#tell(run, `Is ${name} good?`);
    return this.#pipeline.approval(name, { ...place, ask, ...(!decided && { expires: ms, onExpiry: good ? 'approve' : 'reject' }) });
  }

  /** A step that may be set aside, and is released as it is, put right or rejected then. */
  #quarantine(name: string, options: object, work: (context: Context) => Promise<unknown>): StepHandle<unknown> {
    const [suspect, verdict] = [this.#chance(0.7), this.#random()];
    const by = { by: 'ada', comment: name };
    this.#verdicts.set(name, (run, step) =>
      verdict < 0.3 ? this.#pipeline.reject(run, step, by) : this.#pipeline.release(run, step, verdict < 0.6 ? { ...by, output: { name, right: new Uint8Array(1000) } } : by),
    );
    return this.#pipeline.quarantine(name, options, async (context: Context) => ({ output: await work(context), reasons: suspect ? ['it looks odd'] : [] }));
  }

  /** A chain of a few steps, which is a step. */
  #nested(step: string): Pipeline {
    const name = `${this.#name}-${step}`;
    this.#inner.push(name);
    const pipeline = new Pipeline({ name, storage: this.#terms.storage, grace: 0, lease });
    let last: StepHandle<unknown> | undefined;
    for (let i = 0; i < 3; i++) {
      const { fails, ms, retries } = this.#nature();
      last = pipeline.step(`n${i}`, { needs: last ? { last } : {}, retries }, this.#work(fails, ms, false, () => i));
    }
    return pipeline;
  }

  /** What a piece of work is like. */
  #nature() {
    return {
      fails: this.#chance(0.25) ? 1 + this.#below(3) : 0,
      ms: this.#below(8),
      tracked: this.#chance(0.3),
      cached: this.#chance(0.5),
      pooled: this.#chance(0.4),
      slots: 1 + this.#below(2),
      priority: this.#below(3),
      retries: { limit: this.#below(3), backoff: this.#below(4), jitter: 0 },
    };
  }

  #work(fails: number, ms: number, tracked: boolean, result: (context: Context) => unknown) {
    return async (context: Context): Promise<unknown> => {
      const { run, log, track, signal } = context;
      this.#tell(run, undefined);
      log.info(`begins ${run.attempt}`);
      if (tracked) (await track()).logMetrics({ attempt: run.attempt });
      await pause(ms * this.#terms.pace, undefined, { signal });
      log.info(`ends ${run.attempt}`);
      if (run.attempt <= fails) throw new Error(`attempt ${run.attempt} of ${fails}`);
      return result(context);
    };
  }

  #tell<T>({ id, pipeline, step, index }: Context['run'], value: T): T {
    this.#terms.begun({ pipeline, run: id, step, index });
    return value;
  }

  #chance(of: number): boolean {
    return this.#random() < of;
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}
