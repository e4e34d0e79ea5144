import { MemoryStorage, Pipeline, type PipelineEvent, type PipelineResult, type StepHandle } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { planSteps } from '../../src/pipelines/plan.ts';
import { retryPolicy } from '../../src/pipelines/retry.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import cases from '../fixtures/pipelines.json' with { type: 'json' };
import { faultyStorage } from './faulty-storage.ts';
import { ManualClock } from './manual-clock.ts';

interface StepCase {
  readonly needs?: readonly string[];
  readonly ms?: number;
  readonly fails?: boolean;
  readonly timeout_ms?: number;
  readonly retries?: number;
  readonly crash_once?: boolean;
}

interface DagCase {
  readonly id: string;
  readonly steps: Readonly<Record<string, StepCase>>;
  readonly expect: Readonly<Record<string, string>>;
  /** How the run ends; `null` when it does not begin. */
  readonly run: string | null;
  readonly attempts?: Readonly<Record<string, number>>;
  readonly exec_counts?: Readonly<Record<string, number>>;
}

const dags = cases.dags as unknown as readonly DagCase[];
const ours = (status: string): string => (status === 'success' ? 'succeeded' : status);

/** What a graph leaves behind: how often each step was executed, and what happened when. */
class Trial {
  readonly clock = new ManualClock();
  readonly storage = new MemoryStorage();
  readonly executed: Record<string, number> = {};
  readonly events: PipelineEvent[] = [];
  readonly #dag: DagCase;
  readonly #milliseconds: (step: string) => number;
  #crashed = false;

  constructor(dag: DagCase, milliseconds = (step: string): number => dag.steps[step]!.ms ?? 0) {
    this.#dag = dag;
    this.#milliseconds = milliseconds;
  }

  pipeline(storage: StorageAdapter): Pipeline {
    const pipeline = new Pipeline({ name: this.#dag.id, storage, clock: this.clock });
    const handles: Record<string, StepHandle> = {};
    for (const [name, { needs = [], timeout_ms: timeout, retries }] of Object.entries(this.#dag.steps)) {
      const options = { needs: Object.fromEntries(needs.map((need) => [need, handles[need]!])), timeout, retries: retries === undefined ? undefined : { limit: retries, backoff: 10 } };
      handles[name] = pipeline.step(name, options, ({ signal }) => this.#work(name, signal));
    }
    return pipeline;
  }

  async run(storage: StorageAdapter = this.storage, cancelAt?: number): Promise<PipelineResult> {
    const controller = new AbortController();
    if (cancelAt !== undefined) this.clock.setTimer(() => controller.abort(), cancelAt);
    const running = this.pipeline(storage).run({ onEvent: (event) => this.events.push(event), signal: controller.signal });
    running.catch(() => undefined);
    await this.clock.advance(30_000);
    return running;
  }

  /** Runs until the step that crashes takes its process with it, then has another process resume. */
  async runAndResume(): Promise<PipelineResult> {
    const dying = faultyStorage(this.storage, { call: { write: `pipelines/${this.#dag.id}/leases/`, nth: 2 }, effect: 'none', then: 'dead' });
    const crashing = this.pipeline(dying).run();
    crashing.catch(() => undefined);
    for (let i = 0; i < 40 && !this.#crashed; i++) await this.clock.advance(50);
    const resumed = this.pipeline(this.storage);
    let id = '';
    for await (const run of resumed.runs()) id = run.id;
    const result = resumed.resume(id, { takeOver: true, onEvent: (event) => this.events.push(event) });
    result.catch(() => undefined);
    await this.clock.advance(2_000);
    return result;
  }

  when(type: PipelineEvent['type'], step: string): number {
    return this.events.findIndex((event) => event.type === type && 'step' in event && event.step === step);
  }

  #work(name: string, signal: AbortSignal): Promise<string> {
    const { fails, crash_once: crashes } = this.#dag.steps[name]!;
    this.executed[name] = (this.executed[name] ?? 0) + 1;
    if (crashes && !this.#crashed) {
      this.#crashed = true;
      return new Promise(() => undefined);
    }
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      this.clock.setTimer(() => (fails ? reject(new Error(`${name} fails`)) : resolve(name)), this.#milliseconds(name));
    });
  }
}

function expectAsTold(dag: DagCase, result: PipelineResult, trial: Trial): void {
  expect(result.status).toBe(ours(dag.run!));
  expect(Object.fromEntries(Object.values(result.steps).map(({ name, status }) => [name, status]))).toEqual(
    Object.fromEntries(Object.entries(dag.expect).map(([name, status]) => [name, ours(status)])),
  );
  for (const [name, attempts] of Object.entries(dag.attempts ?? {})) expect(result.steps[name]!.attempts).toBe(attempts);
  if (dag.exec_counts) expect(trial.executed).toEqual(dag.exec_counts);
}

async function endsAsTold(dag: DagCase): Promise<void> {
  const trial = new Trial(dag);
  expectAsTold(dag, await trial.run(), trial);
}

function isRefused({ steps }: DagCase): void {
  const specs = Object.entries(steps).map(([name, { needs: upstream = [] }]) => ({ name, upstream, retry: retryPolicy(undefined, name), trigger: 'all_success' as const, final: false, allowFailure: false }));
  expect(() => planSteps(specs)).toThrow(expect.objectContaining({ code: 'validation' }));
}

/** What a graph is held to beyond how it ends. */
const further: Readonly<Record<string, (dag: DagCase) => void | Promise<void>>> = {
  'cycle': isRefused,
  'unknown-dep': isRefused,
  'cancel-mid-run': async (dag) => {
    const trial = new Trial(dag);
    expectAsTold(dag, await trial.run(trial.storage, 50), trial);
    expect(trial.executed).toEqual({ A: 1, B: 1 });
  },
  'diamond-ok': async (dag) => {
    await endsAsTold(dag);
    // The branches overlap, and the join waits for both.
    const trial = new Trial(dag, () => 10);
    await trial.run();
    expect(trial.when('step-started', 'C')).toBeLessThan(trial.when('step-succeeded', 'B'));
    expect(trial.when('step-started', 'D')).toBeGreaterThan(Math.max(trial.when('step-succeeded', 'B'), trial.when('step-succeeded', 'C')));
    expect(trial.executed).toEqual({ A: 1, B: 1, C: 1, D: 1 });
  },
  'early-propagation': async (dag) => {
    const trial = new Trial(dag);
    expectAsTold(dag, await trial.run(), trial);
    expect(trial.when('step-skipped', 'D')).toBeLessThan(trial.when('step-succeeded', 'C'));
  },
  'resume-after-crash': async (dag) => {
    const trial = new Trial(dag);
    expectAsTold(dag, await trial.runAndResume(), trial);
  },
  // With a hundred random timings.
  'resume-completion-order': async (dag) => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed);
      const trial = new Trial(dag, () => Math.floor(random() * 300));
      const result = await trial.runAndResume();
      expect(trial.executed, `seed ${seed}`).toEqual({ A: 1, B: 1, C: 1, B2: 1, C2: 1, D: 2 });
      expectAsTold(dag, result, trial);
    }
  },
};

describe('cases of other engines', () => {
  it.each(dags)('$id', (dag) => (further[dag.id] ?? endsAsTold)(dag));

  it('are held to something here or beside this, whatever they are about', () => {
    expect(Object.keys(further).filter((id) => !dags.some((dag) => dag.id === id))).toEqual([]);
    // Each of these is gone through as a whole by one test.
    const groups = { dags: 'here', graphs: 'golden-graphs', maps: 'mapping/map', retries: 'reducer', triggerRules: 'trigger-rule', caching: 'caching/explain' };
    expect(Object.keys(cases).filter((group) => group !== 'about').sort()).toEqual(Object.keys(groups).sort());
  });
});
