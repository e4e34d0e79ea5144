import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { EventClock } from './event-clock.ts';
import { runnerOf } from './runner-world.ts';

const seed = 10;
const durationMs = 2_000;
const fixedMs = 20;
const perItemMs = 1;
const maxSize = 32;
/** Requests per millisecond that the model answers at most, in full batches. */
const capacity = maxSize / (fixedMs + maxSize * perItemMs);

interface Load {
  readonly answered: number;
  readonly codes: ReadonlySet<string | undefined>;
  readonly latencies: readonly number[];
  readonly mostQueued: number;
  readonly mostPending: number;
}

/** Requests that come at random, at `times` the capacity of the model, whose batches take a third more or less than they should. */
async function underLoad(times: number, timeoutMs: number): Promise<Load> {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const predictBatch = async (inputs: readonly number[]): Promise<number[]> => {
    await clock.sleep((fixedMs + perItemMs * inputs.length) * (0.67 + 0.66 * random()));
    return [...inputs];
  };
  const { runner } = runnerOf({ predictBatch }, { clock, batching: { maxSize, maxDelay: '5ms' }, limits: { queue: 256, timeout: timeoutMs } });
  const latencies: number[] = [];
  const codes = new Set<string | undefined>();
  let [answered, mostQueued, mostPending] = [0, 0, 0];
  const come = (): void => {
    const at = clock.now();
    if (at > durationMs) return;
    clock.setTimer(come, -Math.log(1 - random()) / (capacity * times));
    runner.run(1).then(
      () => {
        if (clock.now() <= durationMs) answered++;
        latencies.push(clock.now() - at);
      },
      (error: { code?: string }) => {
        codes.add(error.code);
        if (error.code === 'timeout') latencies.push(clock.now() - at);
      },
    );
    mostQueued = Math.max(mostQueued, runner.queued);
    mostPending = Math.max(mostPending, clock.pending);
  };
  come();
  await clock.run();
  return { answered, codes, latencies: latencies.sort((a, b) => a - b), mostQueued, mostPending };
}

describe('under a load that a model cannot bear', () => {
  // Of whose time is up sooner than the queue is worked off, about as late, and never.
  it.each([150, 500, 10_000])('goes on to answer what it can within %i ms, and holds no more than its bounds', async (timeoutMs) => {
    const { answered, codes, latencies, mostQueued, mostPending } = await underLoad(10, timeoutMs);
    expect(answered / durationMs / capacity, `seed ${seed}`).toBeGreaterThanOrEqual(0.8);
    expect(latencies[Math.floor(latencies.length * 0.99)]!).toBeLessThanOrEqual(timeoutMs);
    expect(mostQueued).toBeLessThanOrEqual(256);
    // One timer for all deadlines, one for the batch, one for whoever comes next.
    expect(mostPending).toBeLessThanOrEqual(5);
    expect([...codes].filter((code) => code !== 'timeout')).toEqual(['overloaded']);
  });

  it('refuses nothing at half of what the model can bear', async () => {
    const { answered, codes } = await underLoad(0.5, 500);
    expect([...codes]).toEqual([]);
    expect(answered).toBeGreaterThan(durationMs * capacity * 0.5 * 0.9);
  });
});
