import { collectGarbage, MemoryStorage, Pipeline, type Clock, type PipelineOptions, type QuarantineOptions, type StepHandle, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock } from '../manual-clock.ts';

const day = 86_400_000;

interface Scoring {
  readonly pipeline: Pipeline;
  readonly scores: StepHandle<number[]>;
  readonly published: StepHandle<number>;
  readonly journal: string[];
}

interface ScoringTerms {
  readonly given?: readonly number[];
  readonly clock?: Clock | undefined;
  readonly quarantine?: QuarantineOptions<Record<never, never>>;
  readonly options?: Partial<PipelineOptions<undefined, undefined>>;
}

/** Scores are published unless some are above 1. */
function scoring(storage: StorageAdapter, { given = [0.2, 1.4, 0.9], clock, quarantine = {}, options }: ScoringTerms = {}): Scoring {
  const journal: string[] = [];
  const pipeline = new Pipeline({ name: 'score', storage, clock, ...options });
  const scores = pipeline.quarantine('scores', quarantine, () => {
    journal.push('score');
    const bad = given.filter((score) => score > 1);
    return { output: [...given], reasons: bad.length === 0 ? [] : [`${bad.length} of ${given.length} are above 1`, 'look at them'] };
  });
  const published = pipeline.step('publish', { needs: { scores } }, ({ inputs }) => {
    journal.push('publish');
    return Math.max(...inputs.scores);
  });
  return { pipeline, scores, published, journal };
}

// What watches waits is loaded when it is first needed, which no clock of a test waits for.
beforeAll(async () => {
  const pipeline = new Pipeline({ name: 'load', storage: new MemoryStorage() });
  pipeline.sleep('sleep', { for: 0 });
  await pipeline.run();
});

describe('a quarantine', () => {
  it('lets an output pass that nothing speaks against, and asks nobody', async () => {
    const { pipeline, scores, published } = scoring(new MemoryStorage(), { given: [0.2, 0.7] });
    expectTypeOf(scores).toEqualTypeOf<StepHandle<number[]>>();
    const result = await pipeline.run();
    expect([result.status, result.output(scores), result.output(published)]).toEqual(['succeeded', [0.2, 0.7], 0.7]);
    expect((await pipeline.waiting()).items).toEqual([]);
    await expect(pipeline.quarantined(result.id, scores)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining("Step 'scores'") as string });
  });

  it('keeps what is set aside from everyone until another process releases it, as it is', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const began = clock.now();
    const { pipeline, scores, journal } = scoring(storage, { clock });
    const result = await pipeline.run();
    const { id, status, waitingFor, steps } = result;
    const wait = { kind: 'quarantine', asks: '1 of 3 are above 1\nlook at them', since: began };
    expect([status, waitingFor, steps['publish']!.status]).toEqual(['waiting', [{ run: id, pipeline: 'score', step: 'scores', ...wait }], 'pending']);
    expect(() => result.output(scores)).toThrow('it is waiting');
    expect((await pipeline.getRun(id)).steps['scores']!.output).toBeUndefined();

    const elsewhere = scoring(storage, { clock });
    const held = await elsewhere.pipeline.quarantined(id, elsewhere.scores);
    expectTypeOf(held.output).toEqualTypeOf<number[]>();
    expect(held).toEqual({ run: id, step: 'scores', status: 'waiting', output: [0.2, 1.4, 0.9], wait });
    await clock.advance(day);
    await elsewhere.pipeline.release(id, elsewhere.scores, { by: 'ada', comment: 'they are right' });
    const done = await elsewhere.pipeline.resume(id);
    expect([done.status, done.output(elsewhere.scores), done.output(elsewhere.published)]).toEqual(['succeeded', [0.2, 1.4, 0.9], 1.4]);
    expect([journal, elsewhere.journal]).toEqual([['score'], ['publish']]);
    expect(await pipeline.quarantined(id, 'scores')).toEqual({ ...held, status: 'succeeded', decision: { verdict: 'released', by: 'ada', comment: 'they are right', at: began + day, corrected: false } });
    expect((await pipeline.history(id)).find(({ type }) => type === 'released')).toMatchObject({ by: 'ada', reason: 'they are right', data: { step: 'scores' } });
  });

  it('releases something else in its place; both are kept by the store, however large', async () => {
    const storage = new MemoryStorage();
    const given = Array.from({ length: 20_000 }, (_, i) => i / 10_000);
    const { pipeline, scores, published } = scoring(storage, { given });
    const { id } = await pipeline.run();
    const { output } = await pipeline.quarantined(id, scores);
    await pipeline.release(id, scores, { by: 'ada', output: output.map((score) => Math.min(score, 1)) });
    let ahead = 0;
    const clock = { now: () => Date.now() + (ahead += 30 * day), monotonic: () => 0, setTimer: () => () => undefined };
    for (let i = 0; i < 3; i++) await collectGarbage(storage, { grace: day, clock });
    const result = await pipeline.resume(id);
    expect([result.output(published), result.output(scores).length]).toEqual([1, given.length]);
    for (let i = 0; i < 3; i++) await collectGarbage(storage, { grace: day, clock });
    const after = await pipeline.quarantined(id, scores);
    expect([after.output, after.decision!.corrected]).toEqual([given, true]);
    const { data } = (await pipeline.history(id)).find(({ type }) => type === 'released')!;
    expect(data).toEqual({ step: 'scores', pipeline: 'score', output: (await pipeline.getRun(id)).steps['scores']!.output });
  });

  it('fails by a rejection, keeps what was rejected, and makes it anew when the run is resumed after that', async () => {
    const { pipeline, scores, published, journal } = scoring(new MemoryStorage());
    const { id } = await pipeline.run();
    await pipeline.reject(id, scores, { by: 'bob', comment: 'the sensor was off' });
    const failed = await pipeline.resume(id);
    expect(Object.values(failed.steps).map(({ status }) => status)).toEqual(['failed', 'upstream_failed']);
    expect(failed.steps['scores']!.failure).toMatchObject({ code: 'rejected', message: "Step 'scores' was rejected by bob: the sensor was off" });
    expect(await pipeline.quarantined(id, scores)).toMatchObject({ status: 'failed', output: [0.2, 1.4, 0.9], decision: { verdict: 'rejected', by: 'bob' } });
    expect((await pipeline.resume(id)).status).toBe('waiting');
    expect((await pipeline.quarantined(id, scores)).decision).toBeUndefined();
    await pipeline.release(id, scores, { by: 'ada' });
    expect((await pipeline.resume(id)).output(published)).toBe(1.4);
    expect(journal).toEqual(['score', 'score', 'publish']);
  });

  it('is decided by its time when nobody is', async () => {
    for (const [onExpiry, status, code, decision] of [
      [undefined, 'failed', 'expired', { verdict: 'expired', at: expect.any(Number) as number, corrected: false }],
      ['release', 'succeeded', undefined, { verdict: 'released', at: expect.any(Number) as number, corrected: false }],
    ] as const) {
      const clock = new ManualClock();
      const { pipeline, scores } = scoring(new MemoryStorage(), { clock, quarantine: { expires: '3d', ...(onExpiry && { onExpiry }) } });
      const { id } = await pipeline.run();
      await clock.advance(3 * day);
      await expect(pipeline.release(id, scores, { by: 'ada' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('it is over') as string });
      const result = await pipeline.resume(id);
      expect([result.status, result.steps['scores']!.failure?.code]).toEqual([status, code]);
      expect((await pipeline.quarantined(id, scores)).decision).toEqual(decision);
    }
  });

  it('is listed apart from approvals', async () => {
    const { pipeline } = scoring(new MemoryStorage());
    pipeline.approval('approve', { ask: () => 'Go on?' });
    await pipeline.run();
    const listed = async (kind?: 'approval' | 'quarantine'): Promise<string[]> => (await pipeline.waiting({ kind })).items.map(({ step }) => step);
    expect([await listed(), await listed('quarantine'), await listed('approval')]).toEqual([['scores', 'approve'], ['scores'], ['approve']]);
    await expect(pipeline.waiting({ kind: 'sleep' as never })).rejects.toMatchObject({ code: 'validation' });
  });

  it('is for its approvers, decided once, and by the words that are for it', async () => {
    const { pipeline, scores } = scoring(new MemoryStorage(), { quarantine: { approvers: ['ada'] } });
    const approval = pipeline.approval('approve', { ask: () => 'Go on?' });
    const plain = pipeline.step('plain', {}, () => 1);
    const { id } = await pipeline.run();
    const refused = [
      pipeline.release(id, scores, { by: 'bob' }),
      pipeline.approve(id, scores, { by: 'ada' }),
      pipeline.release(id, approval, { by: 'ada' }),
      pipeline.release(id, plain, { by: 'ada' }),
      pipeline.release(id, 'none', { by: 'ada' }),
      pipeline.release(id, scores, { by: 'ada', output: [(): number => 1] as never }),
      pipeline.approve(id, approval, { by: 'ada', output: 1 } as never),
      pipeline.quarantined(id, approval),
      pipeline.quarantined('0', scores),
    ];
    const errors = (await Promise.allSettled(refused)).map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as { code: string; message: string }) : { code: 'none', message: '' }));
    expect(errors.map(({ code }) => code)).toEqual(['forbidden', 'validation', 'validation', 'validation', 'validation', 'validation', 'validation', 'not-found', 'not-found']);
    expect(errors[1]!.message).toBe(`Step 'scores' of run ${id} is no step that can be approved; release() or reject() it.`);
    expect(errors[2]!.message).toContain('approve() or reject() it');
    expect(errors[5]!.message).toContain('options.output');
    const both = await Promise.allSettled([pipeline.release(id, scores, { by: 'ada' }), pipeline.reject(id, scores, { by: 'ada' })]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('refuses an answer that is none, and does not try again what it has judged', async () => {
    for (const [answer, message] of [
      [undefined, 'return { output, reasons }'],
      [[1], 'return { output, reasons }'],
      [{ reasons: ['bad'] }, 'return { output, reasons }'],
      [{ output: 1, reasons: 'bad' }, 'reasons'],
      [{ output: 1, reasons: [''] }, 'reasons'],
      [{ output: 1, why: [] }, 'why'],
      [{ output: 1, reasons: ['x'.repeat(10_001)] }, 'at most 10000'],
      [{ output: () => 1, reasons: ['bad'] }, 'cannot be kept'],
      [{ output: () => 1 }, 'cannot be kept'],
    ] as const) {
      let calls = 0;
      const pipeline = new Pipeline({ name: 'score', storage: new MemoryStorage() });
      pipeline.quarantine('scores', { retries: { limit: 2, backoff: 0 } }, () => (calls++, answer) as never);
      const { status, steps } = await pipeline.run();
      expect([status, steps['scores']!.failure?.code, calls]).toEqual(['failed', 'validation', 1]);
      expect(steps['scores']!.failure!.message).toContain(message);
    }
    let calls = 0;
    const pipeline = new Pipeline({ name: 'score', storage: new MemoryStorage() });
    const scores = pipeline.quarantine('scores', { retries: { limit: 2, backoff: 0 } }, () => {
      if (++calls < 3) throw new Error('the source is down');
      return { output: 'scores' };
    });
    expect([(await pipeline.run()).output(scores), calls]).toEqual(['scores', 3]);
  });

  it('takes no option that does not fit a wait', () => {
    const define = (options: object): unknown => new Pipeline({ name: 'score', storage: new MemoryStorage() }).quarantine('scores', options, () => ({ output: 1 }));
    for (const options of [{ cache: { version: '1' } }, { totalTimeout: '1h' }, { onExpiry: 'release' }, { onExpiry: 'approve', expires: '1d' }, { expires: 0 }, { approvers: [] }, { hold: true }]) {
      expect(() => define(options), JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'validation' }) as Error);
    }
    // @ts-expect-error what a person has let pass is not let pass again
    expect(() => new Pipeline({ name: 'score', storage: new MemoryStorage() }).quarantine('scores', { cache: { version: '1' } }, () => ({ output: 1 }))).toThrow('cache');
  });

  it('comes to the same whichever call of the store its processes die at', async () => {
    let dead = 0;
    for (let call = 1; ; call++) {
      const storage = new MemoryStorage();
      const options = { options: { lease: 1 } };
      const dying = faultyStorage(storage, { call, effect: call % 2 === 0 ? 'done' : 'none', then: 'dead' });
      const work = async (at: StorageAdapter): Promise<void> => {
        const { pipeline, scores } = scoring(at, options);
        const present = (await pipeline.searchRuns()).items[0];
        const result = await (present ? pipeline.resume(present.id, { takeOver: true }) : pipeline.run());
        if (result.status !== 'waiting') return;
        const run = result.id;
        await pipeline.release(run, scores, { by: 'ada', output: [0.5] }).catch((error: unknown) => {
          if ((error as { code?: string }).code !== 'conflict') throw error;
        });
        await pipeline.resume(run, { takeOver: true });
      };
      const died = await work(dying).then(() => false, () => true);
      await work(storage);
      const { pipeline, published, scores } = scoring(storage, options);
      const run = (await pipeline.searchRuns()).items[0]!.id;
      const result = await pipeline.resume(run);
      expect([result.status, result.output(scores), result.output(published)], `call ${call}`).toEqual(['succeeded', [0.5], 0.5]);
      expect((await pipeline.quarantined(run, scores)).output, `call ${call}`).toEqual([0.2, 1.4, 0.9]);
      expect((await pipeline.waiting()).items).toEqual([]);
      if (died) dead++;
      else if (call > dying.calls) break;
    }
    expect(dead).toBeGreaterThan(15);
  });

  it('is made by a worker and decided upon all the same', async () => {
    const storage = new MemoryStorage();
    const given = Array.from({ length: 20_000 }, (_, i) => i / 10_000);
    const terms = { given, options: { executor: 'workers' as const } };
    const worker = scoring(storage, terms);
    const working = worker.pipeline.work();
    const { pipeline, scores, published, journal } = scoring(storage, terms);
    const { id, status } = await pipeline.run();
    expect([status, (await pipeline.quarantined(id, scores)).output.length]).toEqual(['waiting', given.length]);
    await pipeline.release(id, scores, { by: 'ada' });
    expect((await pipeline.resume(id)).output(published)).toBe(given.at(-1));
    expect([worker.journal, journal]).toEqual([['score', 'publish'], []]);
    await working.close();
  });

  it('is kept in a directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-quarantine-'));
    try {
      const first = new FilesystemStorage(directory);
      const { id } = await scoring(first).pipeline.run();
      await first.close();
      const second = new FilesystemStorage(directory);
      const { pipeline, scores, published } = scoring(second);
      expect((await pipeline.quarantined(id, scores)).output).toEqual([0.2, 1.4, 0.9]);
      await pipeline.release(id, scores, { by: 'ada' });
      expect((await pipeline.resume(id)).output(published)).toBe(1.4);
      await second.close();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
