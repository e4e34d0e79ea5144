import { MemoryStorage, Pipeline, type PipelineResult, type StepContext, type StepHandle, type StepOptions, type StepNeeds, type TriggerRule } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import cases from '../fixtures/pipelines.json' with { type: 'json' };
import { ManualClock, settled } from './manual-clock.ts';

interface GraphStep {
  readonly needs?: readonly string[];
  readonly rule?: string;
  readonly ms?: number;
  readonly fails?: boolean;
  readonly skips?: boolean;
  /** The one step after it that is to run. */
  readonly branch?: string;
  readonly throws?: 'NonRetryable';
  readonly retries?: number;
  readonly pool?: string;
}

interface Graph {
  readonly id: string;
  readonly steps: Readonly<Record<string, GraphStep>>;
  readonly expect: Readonly<Record<string, string>>;
  readonly run: string;
  readonly attempts?: Readonly<Record<string, number>>;
  readonly pools?: Readonly<Record<string, number>>;
}

const graphs = cases.graphs as unknown as readonly Graph[];
const ours = (status: string): string => (status === 'success' ? 'succeeded' : status);
// What has been set up is torn down though work upon it failed, and not when nothing was set up.
const ruleOf = (rule: string | undefined): TriggerRule | undefined => (rule === 'all_done_setup_success' ? 'all_done_min_one_success' : rule) as TriggerRule | undefined;

/** A graph in our terms, and in which order what happened. */
class Trial {
  readonly clock = new ManualClock();
  readonly story: string[] = [];
  most = 0;
  #running = 0;
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  async run(): Promise<PipelineResult> {
    const { id, steps, pools } = this.#graph;
    const pipeline = new Pipeline({ name: id, storage: new MemoryStorage(), clock: this.clock, pools });
    const handles: Record<string, StepHandle> = {};
    for (const [name, step] of Object.entries(steps)) handles[name] = pipeline.step(name, this.#options(name, step, handles), () => this.#work(name, step));
    const running = pipeline.run();
    await this.clock.advance(10_000);
    return running;
  }

  #options(name: string, { needs = [], rule, skips, retries, pool }: GraphStep, handles: Readonly<Record<string, StepHandle>>): StepOptions<StepNeeds> {
    const wanted = ({ inputs }: StepContext<Readonly<Record<string, unknown>>, unknown>): boolean => !skips && needs.every((need) => [undefined, name].includes(this.#graph.steps[need]!.branch && (inputs[need] as string)));
    return {
      needs: Object.fromEntries(needs.map((need) => [need, handles[need]!])),
      trigger: ruleOf(rule),
      when: wanted,
      pool,
      retries: retries === undefined ? undefined : { limit: retries, backoff: 10, retryIf: (error) => (error as Error).name !== 'NonRetryable' },
    };
  }

  async #work(name: string, { ms = 0, fails, throws, branch }: GraphStep): Promise<string> {
    this.story.push(`${name} begins`);
    this.most = Math.max(this.most, ++this.#running);
    await new Promise<void>((resolve) => this.clock.setTimer(resolve, ms));
    this.#running--;
    this.story.push(`${name} ends`);
    if (throws || fails) throw Object.assign(new Error(`${name} fails`), { name: throws ?? 'Error' });
    return branch ?? name;
  }
}

describe('graphs of other engines', () => {
  it.each(graphs)('$id', async (graph) => {
    const trial = new Trial(graph);
    const { status, steps } = await trial.run();
    expect(status).toBe(ours(graph.run));
    expect(Object.fromEntries(Object.values(steps).map((step) => [step.name, step.status]))).toEqual(Object.fromEntries(Object.entries(graph.expect).map(([name, of]) => [name, ours(of)])));
    for (const [name, attempts] of Object.entries(graph.attempts ?? {})) expect(steps[name]!.attempts).toBe(attempts);
    if (graph.pools) expect([trial.most, trial.story.filter((line) => line.endsWith('begins'))]).toEqual([graph.pools['gpu'], ['A begins', 'B begins', 'C begins', 'D begins']]);
    if (graph.id === 'nfmos-must-wait') expect(trial.story.indexOf('J begins')).toBeGreaterThan(trial.story.indexOf('X ends'));
  });

  it('argo-enhanced-depends, its expressions as triggers', async () => {
    const pipeline = new Pipeline({ name: 'depends', storage: new MemoryStorage() });
    const a = pipeline.step('A', {}, () => 'a');
    const b = pipeline.step('B', { after: [a] }, () => 'b');
    const c = pipeline.step('C', { after: [a] }, () => Promise.reject(new Error('C fails')));
    pipeline.step('should-execute-1', { after: [a, c], trigger: 'all_done' }, () => 1);
    const second = pipeline.step('should-execute-2', { after: [b, c], trigger: 'one_success' }, () => 2);
    const not = pipeline.step('should-not-execute', { after: [b, c] }, () => expect.unreachable());
    pipeline.step('should-execute-3', { after: [second, not], trigger: 'one_success' }, () => 3);
    const { status, steps } = await pipeline.run();
    expect(Object.values(steps).map((step) => `${step.name} ${step.status}`)).toEqual([
      'A succeeded',
      'B succeeded',
      'C failed',
      'should-execute-1 succeeded',
      'should-execute-2 succeeded',
      'should-not-execute upstream_failed',
      'should-execute-3 succeeded',
    ]);
    // C went wrong, and nobody said that it may.
    expect(status).toBe('failed');
  });

  it('map-depth-first: an item whose work is a pipeline goes on while another has not come as far', async () => {
    const storage = new MemoryStorage();
    const story: string[] = [];
    const finish = new Map<number, () => void>();
    const inner = new Pipeline<number>({ name: 'inner', storage, params: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as number }) } } });
    const first = inner.step('M1', {}, async ({ params }) => {
      if (params > 1) await new Promise<void>((resolve) => finish.set(params, resolve));
      story.push(`M1[${params}]`);
      return params * 10;
    });
    const second = inner.step('M2', { needs: { first } }, ({ inputs, params }) => {
      story.push(`M2[${params}]`);
      return inputs.first + 1;
    });
    const pipeline = new Pipeline({ name: 'outer', storage });
    const items = pipeline.map('M', { over: [1, 2, 3] }, inner.asStep({ params: ({ item }) => item, output: (result) => result.output(second) }));
    const reduced = pipeline.step('R', { needs: { items } }, ({ inputs }) => (story.push('R'), inputs.items));
    const running = pipeline.run();
    while (finish.size < 2 || !story.includes('M2[1]')) await settled();
    expect(story).toEqual(['M1[1]', 'M2[1]']);
    for (const resolve of finish.values()) resolve();
    expect((await running).output(reduced)).toEqual([11, 21, 31]);
    expect(story.at(-1)).toBe('R');
  });
});
