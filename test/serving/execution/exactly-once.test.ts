import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callerOf } from '../../../src/core/abort.ts';
import type { ModelRunner } from '../../../src/serving/execution/model-runner.ts';
import { EventClock } from './event-clock.ts';
import { runnerOf } from './runner-world.ts';

const seed = 20_261_130;

interface Asked {
  readonly id: number;
  readonly at: number;
  readonly timeoutMs: number;
  /** After how long its caller leaves. */
  readonly leavesAfter: number | undefined;
  readonly kind: number;
  readonly bytes: number;
  readonly poisoned: boolean;
}

type Mood = 'answers' | 'answers at once' | 'throws' | 'rejects' | 'hangs' | 'too few' | 'too many' | 'errors' | 'NaN' | 'nothing' | 'late' | 'twice';

const moods: readonly Mood[] = ['answers', 'answers at once', 'throws', 'rejects', 'hangs', 'too few', 'too many', 'errors', 'NaN', 'nothing', 'late', 'twice'];

const requests = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 400 }),
    timeoutMs: fc.constantFrom(5, 50, 500),
    leavesAfter: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
    kind: fc.integer({ min: 0, max: 2 }),
    bytes: fc.integer({ min: 0, max: 60 }),
    poisoned: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

/** A model whose calls go as its moods say, one after the other; every output is the id of its input, or `NaN` for all. */
function moodyModel(clock: EventClock, turns: readonly Mood[]) {
  let calls = 0;
  const predictBatch = (inputs: readonly Asked[]): never => {
    const ids = inputs.map(({ id }) => id);
    const give = async (value: unknown, ms: number): Promise<unknown> => (await clock.sleep(ms), value);
    const mood = turns[calls++ % turns.length]!;
    if (mood === 'throws' && inputs.some(({ poisoned }) => poisoned)) throw new Error('poisoned');
    const answers: Record<Mood, () => unknown> = {
      answers: () => give(ids, 7),
      'answers at once': () => ids,
      throws: () => ids,
      rejects: () => clock.sleep(3).then(() => Promise.reject(new Error('rejected'))),
      hangs: () => new Promise(() => undefined),
      'too few': () => ids.slice(1),
      'too many': () => give([...ids, -1], 2),
      errors: () => inputs.map(({ id, poisoned }) => (poisoned ? new Error('item') : id)),
      NaN: () => ids.map(() => NaN),
      nothing: () => null,
      late: () => give(ids, 700),
      // A promise of somebody's own making, that settles as often as it likes.
      twice: () => ({ then: (resolve: (value: unknown) => void) => (resolve(ids), resolve([])) }),
    };
    return answers[mood]() as never;
  };
  return { predictBatch };
}

async function play(runner: ModelRunner<Asked, number>, clock: EventClock, asked: readonly Asked[]): Promise<Map<number, unknown[]>> {
  const outcomes = new Map<number, unknown[]>(asked.map(({ id }) => [id, []]));
  for (const request of asked) {
    const { id, at, timeoutMs, leavesAfter, bytes } = request;
    clock.setTimer(() => {
      const controller = new AbortController();
      if (leavesAfter !== undefined) clock.setTimer(() => controller.abort(), leavesAfter);
      runner.run(request, { timeoutMs, bytes, caller: callerOf(controller.signal) }).then(
        ({ output }) => outcomes.get(id)?.push(output),
        (error: unknown) => outcomes.get(id)?.push(error),
      );
    }, at);
  }
  await clock.run();
  return outcomes;
}

describe('whatever a model does', () => {
  it('every request is settled once, in its time, with an answer of its own or an error that has a code', async () => {
    await fc.assert(
      fc.asyncProperty(requests, fc.array(fc.constantFrom(...moods), { minLength: 1, maxLength: 8 }), fc.boolean(), fc.integer({ min: 0, max: 2 }), async (given, turns, sized, retries) => {
        const clock = new EventClock();
        const asked = given.map((request, id) => ({ id, ...request }));
        const limits = { queue: 20, queueBytes: 400, retries: { max: retries, backoff: 10 }, breaker: { window: 20, openFor: 60 } };
        const { runner } = runnerOf<Asked, number>(moodyModel(clock, turns), { clock, batching: { maxSize: 8, concurrency: 3, maxBytes: 200, batchKey: ({ kind }) => kind, ...(sized && { sizes: [2, 8], pad: (last) => ({ ...last, id: -2 }) }) }, limits });
        const outcomes = await play(runner, clock, asked);
        for (const [id, settled] of outcomes) {
          expect(settled).toHaveLength(1);
          const [outcome] = settled;
          if (outcome instanceof Error) expect(['overloaded', 'timeout', 'aborted', 'unavailable', 'model-failed']).toContain((outcome as { code?: string }).code);
          else if (!Number.isNaN(outcome)) expect(outcome).toBe(id);
        }
        // Nothing is left behind but what hangs.
        expect([runner.queued, clock.pending]).toEqual([0, 0]);
        if (!turns.includes('hangs')) expect(runner.inFlight).toBe(0);
      }),
      { seed, numRuns: 150 },
    );
  });
});
