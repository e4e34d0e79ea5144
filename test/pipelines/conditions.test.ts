import { MemoryStorage, Pipeline, type PipelineEvent } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';

const fails = (): never => {
  throw new Error('no');
};
const make = (): Pipeline => new Pipeline({ name: 'p', storage: new MemoryStorage() });
const statuses = ({ steps }: { steps: Readonly<Record<string, { status: string }>> }): Record<string, string> =>
  Object.fromEntries(Object.entries(steps).map(([name, { status }]) => [name, status]));

describe('conditions', () => {
  it('skip a step, and what needs it, and leave the run green', async () => {
    const pipeline = make();
    const auc = pipeline.step('evaluate', {}, () => 0.6);
    const register = pipeline.step('register', { needs: { auc }, when: ({ inputs }) => inputs.auc > 0.8 }, fails);
    pipeline.step('announce', { after: [register] }, fails);
    const other = pipeline.step('other', { needs: { auc }, when: async ({ states }) => states['evaluate']!.status === 'succeeded' }, ({ inputs }) => inputs.auc * 2);
    const joined = pipeline.step('join', { needs: { register, other }, trigger: 'none_failed_min_one_success' }, ({ inputs }) => {
      expectTypeOf(inputs).toEqualTypeOf<{ readonly register: undefined; readonly other: number | undefined }>();
      return [inputs.register ?? 'none', inputs.other];
    });
    const events: PipelineEvent[] = [];
    const result = await pipeline.run({ onEvent: (event) => events.push(event) });
    expect(result.status).toBe('succeeded');
    expect(statuses(result)).toEqual({ evaluate: 'succeeded', register: 'skipped', announce: 'skipped', other: 'succeeded', join: 'succeeded' });
    expect(result.steps['register']).toMatchObject({ attempts: 0, because: 'its condition did not hold' });
    expect(result.steps['announce']!.because).toBe("step 'register' was skipped");
    expect(result.output(joined)).toEqual(['none', 1.2]);
    expect(events.filter((event) => event.type === 'step-skipped').map(({ step, status }) => [step, status])).toEqual([['register', 'skipped'], ['announce', 'skipped']]);
    expect(events.some((event) => event.type === 'step-started' && event.step === 'register')).toBe(false);
    expect(statuses(await pipeline.resume(result.id))).toEqual(statuses(result));
    expect(statuses(await pipeline.getRun(result.id))).toEqual(statuses(result));
  });

  it('fail the step when they throw or give no boolean', async () => {
    const pipeline = make();
    pipeline.step('throws', { when: fails }, () => 1);
    pipeline.step('number', { when: () => 1 as unknown as boolean }, () => 1);
    const result = await pipeline.run();
    expect(result.status).toBe('failed');
    expect(result.steps['throws']!.failure!.message).toBe('no');
    expect(result.steps['number']!.failure!.message).toContain("return true or false from 'when'");
  });
});

describe('triggers', () => {
  it('let a step run after a failure, which leaves the run red unless it is allowed', async () => {
    for (const allowFailure of [false, true]) {
      const pipeline = make();
      const load = pipeline.step('load', { allowFailure }, (): number => fails());
      const report = pipeline.step('report', { needs: { load }, trigger: 'all_done' }, ({ inputs, states }) => {
        expectTypeOf(inputs.load).toEqualTypeOf<number | undefined>();
        return [inputs.load ?? 'nothing', states['load']!.failure!.message];
      });
      const calm = pipeline.step('calm', { after: [report], trigger: 'one_failed' }, () => 1);
      const result = await pipeline.run();
      expect(result.output(report)).toEqual(['nothing', 'no']);
      expect(result.steps[calm.name]).toMatchObject({ status: 'skipped', because: expect.stringContaining("its trigger 'one_failed' cannot be met") as string });
      expect(result.status).toBe(allowFailure ? 'succeeded' : 'failed');
    }
  });

  it('run a step of one_success once, at the first success', async () => {
    const pipeline = make();
    let runs = 0;
    const after = ['a', 'b', 'c'].map((name) => pipeline.step(name, {}, () => name));
    pipeline.step('first', { after, trigger: 'one_success' }, () => runs++);
    expect((await pipeline.run({ concurrency: 1 })).status).toBe('succeeded');
    expect(runs).toBe(1);
  });

  it('run an alert in a new round only when something fails in it', async () => {
    const pipeline = make();
    let broken = true;
    const load = pipeline.step('load', {}, () => broken && fails());
    pipeline.step('use', { after: [load] }, () => 1);
    const first = await pipeline.run();
    expect(statuses(first)).toEqual({ load: 'failed', use: 'upstream_failed' });
    broken = false;
    expect(statuses(await pipeline.resume(first.id))).toEqual({ load: 'succeeded', use: 'succeeded' });
  });
});

describe('retryIf', () => {
  it('ends the attempts when trying again cannot help', async () => {
    const pipeline = make();
    const asked: [unknown, number][] = [];
    let attempts = 0;
    const work = (): never => {
      attempts++;
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw attempts === 2 ? 'gone' : new TypeError('busy');
    };
    const retries = { limit: 5, backoff: 0, retryIf: (error: unknown, attempt: number): boolean => asked.push([error, attempt]) > 0 && error instanceof TypeError };
    pipeline.step('work', { retries }, work);
    const result = await pipeline.run();
    expect(result.steps['work']).toMatchObject({ status: 'failed', attempts: 2 });
    expect(asked).toEqual([[new TypeError('busy'), 1], ['gone', 2]]);
  });

  it('fails the step when it throws itself, and tells both errors', async () => {
    const pipeline = make();
    const retryIf = (): never => {
      throw new Error('oops');
    };
    pipeline.step('work', { retries: { limit: 5, backoff: 0, retryIf } }, fails);
    const { steps } = await pipeline.run();
    expect(steps['work']).toMatchObject({ status: 'failed', attempts: 1 });
    expect(steps['work']!.failure!.message).toMatch(/oops.*no/);
  });
});

describe('steps at the end', () => {
  it('run when all else has ended, are told how, and once more when the run is resumed', async () => {
    const pipeline = make();
    let broken = true;
    let cleaned = 0;
    const load = pipeline.step('load', {}, () => (broken ? fails() : 5));
    pipeline.step('train', { needs: { load } }, ({ inputs }) => inputs.load + 1);
    const clean = pipeline.finally('clean', { needs: { load } }, ({ inputs, states }) => {
      expectTypeOf(inputs.load).toEqualTypeOf<number | undefined>();
      cleaned++;
      return [inputs.load ?? 'none', states['load']!.status, states['train']!.status];
    });
    const log = pipeline.finally('log', { after: [clean] }, () => cleaned);
    const first = await pipeline.run();
    expect(first.status).toBe('failed');
    expect(first.output(clean)).toEqual(['none', 'failed', 'upstream_failed']);
    broken = false;
    const second = await pipeline.resume(first.id);
    expect(second.status).toBe('succeeded');
    expect(second.output(clean)).toEqual([5, 'succeeded', 'succeeded']);
    expect(second.output(log)).toBe(2);
  });

  it('run in a run that is cancelled, and are not stopped by that', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    const controller = new AbortController();
    pipeline.step('slow', {}, ({ signal }) => {
      controller.abort();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    pipeline.finally('clean', {}, ({ signal }) => signal.aborted);
    const running = pipeline.run({ signal: controller.signal });
    await clock.advance(10_000);
    const result = await running;
    expect(result.status).toBe('cancelled');
    expect(statuses(result)).toEqual({ slow: 'cancelled', clean: 'succeeded' });
  });

  it('make the run red when they fail', async () => {
    const pipeline = make();
    pipeline.step('work', {}, () => 1);
    pipeline.finally('clean', {}, fails);
    expect((await pipeline.run()).status).toBe('failed');
  });
});

describe('wiring that is wrong', () => {
  it('is refused before anything runs', () => {
    const pipeline = make();
    const end = pipeline.finally('end', {}, () => 1);
    expect(() => pipeline.step('a', { after: [end] }, () => 1)).toThrow('runs at the end of the run');
    expect(() => pipeline.step('a', { trigger: 'sometimes' as 'always' }, () => 1)).toThrow(expect.objectContaining({ code: 'validation' }));
    expect(() => pipeline.step('a', { when: true as never }, () => 1)).toThrow(expect.objectContaining({ code: 'validation' }));
    // @ts-expect-error A step at the end has no trigger.
    expect(() => pipeline.finally('a', { trigger: 'all_done' }, () => 1)).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('does not compile', () => {
    const pipeline = make();
    const count = pipeline.step('count', {}, () => 1);
    // @ts-expect-error A step that runs after a failure may have no input.
    pipeline.step('sum', { needs: { count }, trigger: 'all_done' }, ({ inputs }) => inputs.count.toFixed());
    // @ts-expect-error There is no such input.
    pipeline.step('guarded', { needs: { count }, when: ({ inputs }) => inputs.other > 1 }, () => 1);
  });
});
