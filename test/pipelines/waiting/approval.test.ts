import { MemoryStorage, Pipeline, type ApprovalOutput, type PipelineEvent, type StepHandle, type StorageAdapter } from 'modelkeep';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { ManualClock, settled } from '../manual-clock.ts';
import { release } from './release.ts';

const day = 86_400_000;

// What watches waits is loaded when it is first needed, which no clock of a test waits for.
beforeAll(async () => {
  const pipeline = new Pipeline({ name: 'load', storage: new MemoryStorage() });
  pipeline.sleep('sleep', { for: 0 });
  await pipeline.run();
});
const statuses = ({ steps }: { steps: Readonly<Record<string, { status: string }>> }): string[] => Object.values(steps).map(({ status }) => status);

describe('a run that waits for approval', () => {
  it('is let go of, and goes on in another process when it is approved', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const began = clock.now();
    const journal: string[] = [];
    const [first, second] = [release(storage, { clock, expires: 3 * day, journal: (step) => journal.push(step) }), release(storage, { clock, expires: 3 * day, journal: (step) => journal.push(step) })];
    expectTypeOf(first.approval).toEqualTypeOf<StepHandle<ApprovalOutput>>();
    const events: PipelineEvent[] = [];
    const result = await first.pipeline.run({ onEvent: (event) => events.push(event) });
    const wait = { kind: 'approval', asks: 'Release an AUC of 0.91?', since: began, until: began + 3 * day, onExpiry: 'reject' };
    expect([result.status, statuses(result)]).toEqual(['waiting', ['succeeded', 'waiting', 'pending']]);
    expect(result.waitingFor).toEqual([{ run: result.id, pipeline: 'release', step: 'approve', ...wait }]);
    expect(result.timings.endedAt).toBeUndefined();
    expect(() => result.output(first.approval)).toThrow('it is waiting');
    expect(events.slice(-2)).toMatchObject([{ type: 'step-waiting', step: 'approve', waitingFor: wait }, { type: 'run-waiting', steps: ['approve'] }]);

    const seen = await second.pipeline.getRun(result.id);
    expect(seen).toMatchObject({ status: 'waiting', steps: { approve: { status: 'waiting', waitingFor: wait } } });
    expect(seen.owner).toBeUndefined();
    expect((await second.pipeline.searchRuns({ filter: "status = 'waiting'" })).items.map(({ id }) => id)).toEqual([result.id]);
    expect((await second.pipeline.waiting()).items).toEqual(result.waitingFor);

    await clock.advance(day);
    // Nothing was decided: nothing goes on.
    expect((await second.pipeline.resume(result.id)).status).toBe('waiting');
    await second.pipeline.approve(result.id, second.approval, { by: 'ada', comment: 'better in every slice' });
    expect((await first.pipeline.waiting()).items).toEqual([]);
    const done = await second.pipeline.resume(result.id);
    expect([done.status, done.waitingFor, done.output(second.released)]).toEqual(['succeeded', [], 'released by ada']);
    expect(done.output(second.approval)).toEqual({ decision: 'approved', by: 'ada', comment: 'better in every slice', at: began + day });
    expect(journal).toEqual(['evaluate', 'ask', 'release']);
    const history = await first.pipeline.history(result.id);
    expect(history.map(({ type }) => type)).toEqual(['started', 'waiting', 'resumed', 'waiting', 'approved', 'resumed', 'succeeded']);
    expect(history[4]).toMatchObject({ by: 'ada', reason: 'better in every slice', at: began + day, data: { step: 'approve' } });
  });

  it('fails by a rejection, and is asked anew when it is resumed after that', async () => {
    const { pipeline, approval, released } = release(new MemoryStorage());
    const { id } = await pipeline.run();
    await pipeline.reject(id, 'approve', { by: 'bob', comment: 'not on a Friday' });
    const result = await pipeline.resume(id);
    expect([result.status, statuses(result)]).toEqual(['failed', ['succeeded', 'failed', 'upstream_failed']]);
    expect(result.steps['approve']!.failure).toMatchObject({ code: 'rejected', message: "Step 'approve' was rejected by bob: not on a Friday" });
    expect((await pipeline.resume(id)).status).toBe('waiting');
    await pipeline.approve(id, approval, { by: 'ada' });
    expect((await pipeline.resume(id)).output(released)).toBe('released by ada');
  });

  it('is gone on with by whoever keeps the pipeline: when it is decided, and when the time is over', async () => {
    for (const onExpiry of [undefined, 'reject', 'approve'] as const) {
      const storage = new MemoryStorage();
      const clock = new ManualClock();
      const expires = 600_000;
      const terms = { clock, expires, onExpiry };
      const [decided, expired] = [await release(storage, terms).pipeline.run(), await release(storage, terms).pipeline.run()];
      const { pipeline, released, approval } = release(storage, terms);
      const keeper = pipeline.start();
      await keeper.idle();
      expect((await pipeline.waiting()).items).toHaveLength(2);
      await release(storage, { clock }).pipeline.approve(decided.id, 'approve', { by: 'ada' });
      await clock.advance(100);
      await keeper.idle();
      expect((await pipeline.resume(decided.id)).output(released)).toBe('released by ada');
      await clock.advance(expires - 200);
      expect((await pipeline.getRun(expired.id)).status).toBe('waiting');
      await clock.advance(60_000);
      await keeper.close();
      const end = await pipeline.getRun(expired.id);
      if (onExpiry === 'approve') expect((await pipeline.resume(expired.id)).output(approval)).toEqual({ decision: 'approved', at: expect.any(Number) as number });
      else expect(end.steps['approve']!.failure).toMatchObject({ code: 'expired', message: expect.stringContaining('nobody had decided by 2026-01-01T00:10:00.000Z') as string });
      expect(end.status).toBe(onExpiry === 'approve' ? 'succeeded' : 'failed');
      expect((await pipeline.history(expired.id)).map(({ type }) => type)).toContain(onExpiry === 'approve' ? 'approved' : 'expired');
      expect((await pipeline.waiting()).items).toEqual([]);
      // What has ended leaves no note.
      expect((await storage.list({ prefix: 'pipelines/release/waiting/' })).entries).toEqual([]);
    }
  });

  it('goes on while other steps do, and takes the decision up at once; where the store does not hint at it, soon after it was asked, and within five seconds later', async () => {
    for (const [hints, askedFor, within] of [[true, 0, 100], [false, 0, 100], [false, 60_000, 5_000]] as const) {
      const memory = new MemoryStorage();
      const storage: StorageAdapter = hints ? memory : new Proxy(memory, { get: (target, name) => (name === 'onChange' ? undefined : bound(target, name)) });
      const clock = new ManualClock();
      const pipeline = new Pipeline({ name: 'p', storage, clock });
      const approval = pipeline.approval('approve', { ask: () => 'Go?' });
      let finish = (): void => undefined;
      pipeline.step('long', {}, () => new Promise<void>((resolve) => (finish = resolve)));
      const after = pipeline.step('after', { needs: { approval } }, () => 'went');
      const events: string[] = [];
      // One at a time: what waits takes no place.
      const running = pipeline.run({ concurrency: 1, onEvent: (event) => events.push('step' in event ? `${event.step} ${event.type}` : event.type) });
      await settled();
      expect(events).toEqual(['run-started', 'approve step-started', 'approve step-waiting', 'long step-started']);
      const { run } = (await pipeline.waiting()).items[0]!;
      await clock.advance(askedFor);
      await pipeline.approve(run, approval, { by: 'ada' });
      await clock.advance(within);
      expect(events.at(-1)).toBe('approve step-succeeded');
      finish();
      expect((await running).output(after)).toBe('went');
    }
  });

  it('ends when the run is cancelled', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    pipeline.approval('approve', { ask: () => 'Go?' });
    pipeline.sleep('night', { for: '8h' });
    const cancel = new AbortController();
    const running = pipeline.run({ signal: cancel.signal });
    await settled();
    const { run } = (await pipeline.waiting()).items[0]!;
    cancel.abort();
    const result = await running;
    expect(result.status).toBe('cancelled');
    for (const step of ['approve', 'night']) expect(result.steps[step]).toMatchObject({ status: 'cancelled', because: 'the run was cancelled while it waited' });
    expect(clock.keptAlive).toEqual([]);
    await expect(pipeline.approve(run, 'approve', { by: 'ada' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('it is cancelled, and the run cancelled') as string });
  });

  it('runs out of the time of the run, also when nobody holds it', async () => {
    const clock = new ManualClock();
    const { pipeline } = release(new MemoryStorage(), { clock, options: { runTimeout: '10m' } });
    const { id } = await pipeline.run();
    await using keeper = pipeline.start();
    await clock.advance(600_000);
    await keeper.idle();
    expect(await pipeline.getRun(id)).toMatchObject({ status: 'failed', failure: { code: 'timeout' }, steps: { approve: { status: 'cancelled', because: 'the run passed its timeout while it waited' } } });
  });

  it('holds no place of a schedule', async () => {
    const clock = new ManualClock();
    const { pipeline } = release(new MemoryStorage(), { clock });
    await pipeline.schedule({ name: 'often', every: '1m', start: clock.now(), maxActiveRuns: 1 });
    const keeper = pipeline.start();
    for (let runs = 1; runs <= 3; runs++) {
      await keeper.idle();
      await clock.advance(60_000);
    }
    await keeper.idle();
    expect((await pipeline.waiting()).items).toHaveLength(3);
    await keeper.close();
  });

  it('waits in the step of another pipeline that it runs as', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const inner = release(storage, { clock });
    const outer = new Pipeline({ name: 'outer', storage, clock });
    let isWaiting = (): void => undefined;
    const waits = new Promise<void>((resolve) => (isWaiting = resolve));
    const step = outer.step('release', {}, inner.pipeline.asStep({ output: (result) => result.output(inner.released), onEvent: ({ type }) => type === 'step-waiting' && isWaiting() }));
    const running = outer.run();
    await waits;
    const { run } = (await inner.pipeline.waiting()).items[0]!;
    await inner.pipeline.approve(run, 'approve', { by: 'ada' });
    await clock.advance(100);
    expect((await running).output(step)).toBe('released by ada');
  });
});

describe('a decision', () => {
  it('is the first of those that are made at once; the others are told whose that is', async () => {
    const storage = new MemoryStorage();
    const { id } = await release(storage).pipeline.run();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => release(storage).pipeline[i % 2 === 0 ? 'approve' : 'reject'](id, 'approve', { by: `person ${i}` })));
    const [winner, ...others] = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
    expect(others).toEqual([]);
    const verdict = winner! % 2 === 0 ? 'approved' : 'rejected';
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict', message: expect.stringContaining(`by person ${winner}, who ${verdict} it`) as string, details: { by: `person ${winner}` } });
    }
    expect((await release(storage).pipeline.resume(id)).status).toBe(verdict === 'approved' ? 'succeeded' : 'failed');
    await expect(release(storage).pipeline.approve(id, 'approve', { by: 'late' })).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is for the approvers, for a step that waits, and within its time', async () => {
    const clock = new ManualClock();
    const { pipeline } = release(new MemoryStorage(), { clock, approvers: ['ada', 'bob'], expires: day });
    const { id } = await pipeline.run();
    const by = { by: 'ada' };
    await expect(pipeline.approve(id, 'approve', { by: 'eve' })).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('"ada", "bob"') as string });
    await expect(pipeline.approve('no-such-run', 'approve', by)).rejects.toMatchObject({ code: 'not-found' });
    await expect(pipeline.approve(id, 'nothing', by)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('has no step "nothing"') as string });
    await expect(pipeline.approve(id, 'evaluate', by)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('waits for nobody') as string });
    await expect(pipeline.approve(id, undefined as never, by)).rejects.toMatchObject({ code: 'validation' });
    for (const wrong of [{}, { by: '' }, { by: 1 }, { by: 'ada', comment: 1 }, { by: 'ada', why: 'x' }, { by: 'ada', comment: 'x'.repeat(10_001) }, undefined]) {
      await expect(pipeline.reject(id, 'approve', wrong as never)).rejects.toMatchObject({ code: 'validation' });
    }
    clock.jump(day);
    await expect(pipeline.approve(id, 'approve', by)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('it is over') as string });
    expect((await pipeline.resume(id)).steps['approve']!.failure!.code).toBe('expired');
    await expect(pipeline.approve(id, 'approve', by)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('counts as expired') as string });
  });

  it('is listed in pages, each step once, whatever is decided meanwhile', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'p', storage });
    for (const name of ['a', 'b', 'c']) pipeline.approval(name, { ask: () => `${name}?` });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push((await pipeline.run()).id);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await pipeline.waiting({ limit: 2, after });
      seen.push(...page.items.map(({ run, step }) => `${ids.indexOf(run)}${step}`));
      after = page.next;
      if (after === undefined) break;
      if (seen.length === 4) for (const step of ['a', 'c']) await pipeline.reject(ids[2]!, step, { by: 'ada' });
    }
    expect(seen).toEqual(['0a', '0b', '0c', '1a', '1b', '1c', '2b', '3a', '3b', '3c']);
    for (const after of ['', 'x', '/1', 'x/y']) await expect(pipeline.waiting({ after })).rejects.toMatchObject({ code: 'validation' });
    await expect(pipeline.waiting({ limit: 0 })).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('the options of an approval', () => {
  it.each<[string, object, string]>([
    ['no question', {}, 'ask'],
    ['an option of other steps', { ask: () => '?', retries: { limit: 1 } }, 'has no option "retries"'],
    ['what becomes of it without an end', { ask: () => '?', onExpiry: 'approve' }, 'never expires'],
    ['another word', { ask: () => '?', expires: '1d', onExpiry: 'ignore' }, 'onExpiry must be one of'],
    ['no time', { ask: () => '?', expires: 0 }, 'expires is 0'],
    ['a time that is none', { ask: () => '?', expires: 'soon' }, 'expires is "soon"'],
    ['nobody', { ask: () => '?', approvers: [] }, 'approvers'],
  ])('are refused: %s', (_, options, message) => {
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage() });
    expect(() => pipeline.approval('approve', options as never)).toThrow(message);
  });

  it.each([undefined, '', '  ', 7, 'x'.repeat(10_001), '\ud800'])('ask for a text: %#', async (asked) => {
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage() });
    pipeline.approval('approve', { ask: () => asked as string });
    const result = await pipeline.run();
    expect(result.steps['approve']).toMatchObject({ status: 'failed', failure: { code: 'validation', message: expect.stringContaining("What step 'approve' asks is") as string } });
    expect((await pipeline.waiting()).items).toEqual([]);
  });

  it('skip it by its condition, and let its failure pass', async () => {
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage() });
    const risk = pipeline.step('risk', {}, () => 0.1);
    pipeline.approval('big', { needs: { risk }, when: ({ inputs }) => inputs.risk > 0.5, ask: () => 'Dare?' });
    const small = pipeline.approval('small', { allowFailure: true, ask: () => 'Dare?' });
    const { id, waitingFor } = await pipeline.run();
    expect(waitingFor.map(({ step }) => step)).toEqual(['small']);
    await pipeline.reject(id, small, { by: 'ada' });
    const result = await pipeline.resume(id);
    expect([result.status, statuses(result)]).toEqual(['succeeded', ['succeeded', 'skipped', 'failed']]);
  });
});

function bound(target: object, name: string | symbol): unknown {
  const value = (target as Record<string | symbol, unknown>)[name];
  return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
}
