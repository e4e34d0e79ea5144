import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSteps, type Plan, type StepSpec } from '../../src/pipelines/plan.ts';
import { decide } from '../../src/pipelines/reducer.ts';
import type { RunCommand, RunEvent } from '../../src/pipelines/run-event.ts';
import { initialState, type RunState, type StepState, type StepStatus } from '../../src/pipelines/run-state.ts';
import { retryPolicy, retryWaitMs, stableChance, type RetryOptions } from '../../src/pipelines/retry.ts';
import cases from '../fixtures/pipelines.json' with { type: 'json' };

const spec = (name: string, upstream: readonly string[] = [], retries?: RetryOptions): StepSpec => ({
  name,
  upstream,
  retry: retryPolicy(retries, name),
  trigger: 'all_success',
  final: false,
  allowFailure: false,
});
const failure = { name: 'Error', message: 'no' };
const ours: Record<string, StepStatus> = { success: 'succeeded' };

describe('planSteps', () => {
  it('orders steps so that none comes before what it depends on', () => {
    const plan = planSteps([spec('d', ['b', 'c', 'b']), spec('c', ['a']), spec('b', ['a']), spec('a')]);
    expect(plan.steps.map(({ name }) => name)).toEqual(['a', 'c', 'b', 'd']);
    expect(plan.upstream).toEqual([[], [0], [0], [2, 1]]);
    expect(plan.downstream).toEqual([[1, 2], [3], [3], []]);
  });

  it('names the cycle, in the direction of the work, and nothing beside it', () => {
    const specs = [spec('start'), spec('a', ['start', 'c']), spec('b', ['a']), spec('c', ['b']), spec('after', ['c'])];
    expect(() => planSteps(specs)).toThrow('in a circle: a → b → c → a');
    expect(() => planSteps([spec('x', ['x'])])).toThrow('x → x');
    expect(() => planSteps([spec('x', ['y'])])).toThrow("Step 'x' depends on 'y', which is not a step");
    expect(() => planSteps([spec('x'), spec('x')])).toThrow("Two steps are called 'x'");
  });

  it('plans five thousand steps', () => {
    const specs = Array.from({ length: 5000 }, (_, i) => spec(`s${i}`, i === 0 ? [] : [`s${i - 1}`, `s${i >> 1}`]));
    expect(planSteps(specs.reverse()).steps.map(({ name }) => name)).toEqual(Array.from({ length: 5000 }, (_, i) => `s${i}`));
  });
});

describe('retryWaitMs', () => {
  const seconds = (policy: RetryOptions, attempts: number): number[] => Array.from({ length: attempts }, (_, i) => retryWaitMs(retryPolicy(policy, 'r'), i + 1, 0) / 1000);

  const exponential = { limit: 9, backoff: 3000, maxBackoff: '1h', jitter: 0.5 } as const;
  const fixed = { limit: 9, backoff: 1000, factor: 1, jitter: 0.5 } as const;

  // What each engine waits, as it is asked for here.
  const asked: Readonly<Record<string, (of: { readonly sequence: readonly number[] }) => number[]>> = {
    'argo-no-factor': ({ sequence }) => seconds({ limit: 3, backoff: '10s', factor: 1, jitter: 0 }, sequence.length),
    'bullmq-exp': ({ sequence }) => seconds({ limit: 5, backoff: 1000, jitter: 0 }, sequence.length),
    'temporal-default': ({ sequence }) => seconds({ limit: 9, backoff: '1s', factor: 2, maxBackoff: '100s', jitter: 0 }, sequence.length),
    'dbos-default': ({ sequence }) => seconds({ limit: 2, backoff: '1s', maxBackoff: '1h', jitter: 0 }, sequence.length),
    'bullmq-exp-jitter': () => [0, 1].map((chance) => retryWaitMs(retryPolicy(exponential, 'r'), 7, chance) / 1000),
    'bullmq-fixed-jitter': () => [0, 1].map((chance) => retryWaitMs(retryPolicy(fixed, 'r'), 3, chance) / 1000),
  };

  it.each(cases.retries)('waits as other engines do, or within the same window: $id', ({ id, expect_s: inSeconds, expect_ms: sequenceMs, window_ms: windowMs }) => {
    expect(Object.keys(asked), 'nothing is held to this case').toContain(id);
    const sequence = inSeconds ?? (sequenceMs ?? windowMs).map((ms) => ms / 1000);
    expect(asked[id]!({ sequence })).toEqual(sequence);
  });

  it('never leaves its bounds', () => {
    const options = fc.record({ limit: fc.nat(), backoff: fc.nat(1e6), factor: fc.double({ min: 1, max: 50, noNaN: true }), maxBackoff: fc.nat(1e7), jitter: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (retry, attempt, chance) => {
        const wait = retryWaitMs(retryPolicy(retry, 'r'), attempt, chance);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.max(retry.maxBackoff, 0));
      }),
    );
  });

  it('has the same chance for one attempt everywhere, and another for each', () => {
    expect(stableChance('run', { step: 'step' }, 1)).toBe(stableChance('run', { step: 'step' }, 1));
    const chances = Array.from({ length: 1000 }, (_, i) => stableChance('run', { step: 'step' }, i));
    expect(new Set(chances).size).toBe(1000);
    expect(chances.every((chance) => chance >= 0 && chance < 1)).toBe(true);
    expect(chances.reduce((a, b) => a + b) / 1000).toBeCloseTo(0.5, 1);
    expect(stableChance('a', { step: 'b1' }, 1)).not.toBe(stableChance('ab', { step: '1' }, 1));
  });
});

/** Carries decisions out in imagination: steps end in an order that `pick` chooses, time is a counter. */
class Simulation {
  readonly log: RunEvent[] = [];
  readonly executed: string[] = [];
  readonly recorded = new Map<string, StepState>();
  readonly finishes: string[] = [];
  readonly running = new Map<string, number>();
  readonly waiting = new Set<string>();
  readonly plan: Plan;
  readonly restored: ReadonlyMap<string, StepState> | undefined;
  state: RunState;
  now = 0;

  constructor(plan: Plan, concurrency: number, restored?: ReadonlyMap<string, StepState>) {
    this.plan = plan;
    this.restored = restored;
    this.state = initialState(plan, concurrency, restored);
    this.post({ type: 'started', at: 0 });
  }

  post(event: RunEvent): readonly RunCommand[] {
    this.log.push(event);
    const [state, commands] = decide(this.plan, this.state, event);
    this.state = state;
    for (const command of commands) this.perform(command);
    return commands;
  }

  perform(command: RunCommand): void {
    if (command.type === 'record') this.recorded.set(command.step, this.step(command.step));
    if (command.type === 'wait') this.waiting.add(command.step);
    if (command.type === 'finish') this.finishes.push(command.status);
    if (command.type === 'execute') {
      const index = this.plan.indexOf.get(command.step)!;
      expect(this.plan.upstream[index]!.every((source) => this.state.units.at(source).status === 'succeeded')).toBe(true);
      this.executed.push(command.step);
      this.running.set(command.step, command.attempt);
      expect(this.running.size).toBeLessThanOrEqual(this.state.concurrency);
    }
  }

  step(name: string): StepState {
    return this.state.units.named({ step: name });
  }

  end(name: string, succeeds: boolean): readonly RunCommand[] {
    const attempt = this.running.get(name)!;
    this.running.delete(name);
    const base = { at: ++this.now, step: name, attempt, durationMs: 1 };
    return this.post(succeeds ? { ...base, type: 'attempt-succeeded' } : { ...base, type: 'attempt-failed', failure, retryable: true, chance: 0 });
  }

  due(name: string): void {
    this.waiting.delete(name);
    this.post({ type: 'retry-due', at: ++this.now, step: name });
  }

  statuses(): Record<string, StepStatus> {
    return Object.fromEntries(this.plan.steps.map(({ name }, i) => [name, this.state.units.at(i).status]));
  }
}

describe('decide', () => {
  it.each(cases.triggerRules.filter(({ rule, upstream }) => rule === 'all_success' && !upstream.includes('skipped')))('all_success over $upstream: $expect', ({ upstream, expect: expected }) => {
    // A step that is upstream_failed needs a failed one above it.
    const sources = upstream.map((_, i) => spec(`u${i}`, upstream[i] === 'upstream_failed' ? ['root'] : []));
    const simulation = new Simulation(planSteps([spec('root'), ...sources, spec('x', sources.map(({ name }) => name))]), 10);
    upstream.forEach((status, i) => {
      if (status === 'success' || status === 'failed') simulation.end(`u${i}`, status === 'success');
    });
    if (upstream.includes('upstream_failed')) simulation.end('root', false);
    expect(simulation.step('x').status).toBe({ run: 'running', wait: 'pending' }[expected] ?? expected);
  });

  it.each(cases.dags.filter(({ id }) => ['diamond-ok', 'diamond-B-fails', 'early-propagation'].includes(id)))('ends $id as Airflow does', ({ steps, expect: expected, run }) => {
    const given = Object.entries(steps as Record<string, { needs?: string[]; fails?: boolean }>);
    const simulation = new Simulation(planSteps(given.map(([name, { needs }]) => spec(name, needs))), 2);
    while (simulation.running.size > 0) {
      const [name] = [...simulation.running.keys()];
      simulation.end(name!, !(steps as Record<string, { fails?: boolean }>)[name!]!.fails);
      if (simulation.step('B').status === 'failed') expect(simulation.step('D').status).toBe('upstream_failed');
    }
    expect(simulation.statuses()).toEqual(Object.fromEntries(Object.entries(expected).map(([name, status]) => [name, ours[status] ?? status])));
    expect(simulation.finishes).toEqual([ours[run as string] ?? run]);
  });

  it('ignores what it no longer waits for', () => {
    const simulation = new Simulation(planSteps([spec('a', [], { limit: 1, backoff: 0 }), spec('b')]), 2);
    simulation.end('a', false);
    const waiting = simulation.state;
    for (const event of [
      { type: 'attempt-succeeded', at: 9, step: 'a', attempt: 1, durationMs: 1 },
      { type: 'attempt-succeeded', at: 9, step: 'b', attempt: 2, durationMs: 1 },
      { type: 'attempt-succeeded', at: 9, step: 'unknown', attempt: 1, durationMs: 1 },
      { type: 'retry-due', at: 9, step: 'b' },
    ] satisfies RunEvent[]) {
      const [state, commands] = decide(simulation.plan, waiting, event);
      expect(state).toEqual(waiting);
      expect(commands).toEqual([]);
    }
    simulation.post({ type: 'cancelled', at: 10 });
    simulation.due('a');
    simulation.end('b', true);
    const [, commands] = decide(simulation.plan, simulation.state, { type: 'cancelled', at: 11 });
    expect(commands).toEqual([]);
    expect(simulation.finishes).toEqual(['cancelled']);
    expect(simulation.executed).toEqual(['a', 'b']);
  });

  it('does not touch the state that it is given', () => {
    const plan = planSteps([spec('a'), spec('b', ['a'])]);
    const start = initialState(plan, 1);
    const [first] = decide(plan, Object.freeze(start), { type: 'started', at: 0 });
    const [second] = decide(plan, Object.freeze(first), { type: 'attempt-succeeded', at: 1, step: 'a', attempt: 1, durationMs: 1 });
    const [other] = decide(plan, first, { type: 'attempt-failed', at: 1, step: 'a', attempt: 1, durationMs: 1, failure, retryable: true, chance: 0 });
    const statuses = [start, first, second, other].map(({ units }) => [...units].map(({ status }) => status));
    expect(statuses).toEqual([['pending', 'pending'], ['running', 'pending'], ['succeeded', 'running'], ['failed', 'upstream_failed']]);
    expect([start, first, second, other].map(({ ready }) => [...ready])).toEqual([[], [], [], []]);
  });

  const graphs = fc
    .array(fc.record({ edges: fc.array(fc.nat(), { maxLength: 4 }), failures: fc.nat(3), limit: fc.nat(2) }), { minLength: 1, maxLength: 12 })
    .map((steps) =>
      steps.map(({ edges, failures, limit }, i) => ({
        name: `s${i}`,
        upstream: i === 0 ? [] : [...new Set(edges.map((edge) => `s${edge % i}`))],
        failures,
        limit,
      })),
    );

  it('ends every graph as its failures say, whatever the order, and again from any record of it', () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat()), fc.nat(40), (graph, concurrency, picks, crashAfter) => {
        const plan = planSteps(graph.map(({ name, upstream, limit }) => spec(name, upstream, { limit, backoff: 10, jitter: 0 })));
        const expected: Record<string, StepStatus> = {};
        for (const { name, upstream, failures, limit } of graph) {
          expected[name] = upstream.some((source) => expected[source] !== 'succeeded') ? 'upstream_failed' : failures > limit ? 'failed' : 'succeeded';
        }
        const failed = new Map<string, number>();
        let simulation = new Simulation(plan, concurrency);
        const succeeded = new Set<string>();
        for (let turn = 0; simulation.state.status === 'running'; turn++) {
          if (turn === crashAfter) {
            // What was recorded is all that a successor has; blocked steps are derived again.
            const records = [...simulation.recorded].filter(([, { status }]) => status === 'succeeded' || status === 'failed' || status === 'retrying');
            simulation = new Simulation(plan, concurrency, new Map(records));
            continue;
          }
          const choices = [...simulation.running.keys(), ...simulation.waiting];
          const name = choices[picks.next().value % choices.length]!;
          if (simulation.waiting.has(name)) {
            simulation.due(name);
            continue;
          }
          const soFar = failed.get(name) ?? 0;
          const succeeds = soFar >= graph.find((step) => step.name === name)!.failures;
          if (!succeeds) failed.set(name, soFar + 1);
          simulation.end(name, succeeds);
          if (succeeds) expect(succeeded.has(name), `${name} succeeded twice`).toBe(false);
          if (succeeds) succeeded.add(name);
        }
        expect(simulation.statuses()).toEqual(expected);
        expect(simulation.finishes).toEqual([Object.values(expected).every((status) => status === 'succeeded') ? 'succeeded' : 'failed']);
        for (const { status } of simulation.recorded.values()) expect(['succeeded', 'failed', 'upstream_failed', 'retrying']).toContain(status);
        for (const { name, failures, limit } of graph) if (expected[name] === 'failed') expect(failed.get(name)).toBe(Math.min(failures, limit + 1));

        // The log of events is enough to come to the same state again.
        const replayed = simulation.log.reduce((state, event) => decide(plan, state, event)[0], initialState(plan, concurrency, simulation.restored));
        expect(replayed).toEqual(simulation.state);
      }),
      { numRuns: 300 },
    );
  });

  it('ends every graph that is cancelled at any moment', () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat()), fc.nat(20), (graph, concurrency, picks, cancelAfter) => {
        const plan = planSteps(graph.map(({ name, upstream, limit }) => spec(name, upstream, { limit, backoff: 10 })));
        const simulation = new Simulation(plan, concurrency);
        let cancelled = false;
        for (let turn = 0; simulation.state.status === 'running'; turn++) {
          if (turn === cancelAfter) {
            const aborted = simulation.post({ type: 'cancelled', at: ++simulation.now }).flatMap((command) => (command.type === 'abort' ? [command.step] : []));
            expect(aborted.sort()).toEqual([...simulation.running.keys()].sort());
            cancelled = true;
            simulation.waiting.clear();
            continue;
          }
          const choices = [...simulation.running.keys(), ...simulation.waiting];
          const name = choices[picks.next().value % choices.length]!;
          const before = simulation.executed.length;
          if (simulation.waiting.has(name)) simulation.due(name);
          else simulation.end(name, picks.next().value % 3 > 0);
          if (cancelled) expect(simulation.executed.length).toBe(before);
        }
        const statuses = Object.values(simulation.statuses());
        for (const status of statuses) expect(['succeeded', 'failed', 'upstream_failed', 'cancelled']).toContain(status);
        if (cancelled) expect(simulation.finishes).toEqual([statuses.every((status) => status === 'succeeded') ? 'succeeded' : 'cancelled']);
      }),
      { numRuns: 200 },
    );
  });
});
