import { MemoryStorage, Pipeline, type ApprovalOutput, type StandardResult, type StandardSchema, type StepGateReport, type StepHandle } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';

const make = (): Pipeline<{ month: string }> => new Pipeline({ name: 'typed', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });

describe('steps of every kind', () => {
  it('put out what their kind says', () => {
    const pipeline = make();
    const rows = pipeline.step('rows', {}, () => [{ delay: 12 }]);
    const gate = pipeline.gate('gate', { needs: { rows } }, ({ inputs, params }) => {
      expectTypeOf(inputs.rows).toEqualTypeOf<{ delay: number }[]>();
      expectTypeOf(params).toEqualTypeOf<{ month: string }>();
      return inputs.rows.length > 0;
    });
    const scores = pipeline.quarantine('scores', { needs: { rows, gate } }, ({ inputs }) => {
      expectTypeOf(inputs.gate).toEqualTypeOf<StepGateReport>();
      return { output: inputs.rows.map(({ delay }) => delay / 60), reasons: ['one of them is large'] };
    });
    const approved = pipeline.approval('approve', { needs: { scores }, ask: ({ inputs, params }) => `${inputs.scores.length} of ${params.month}?` });
    const slept = pipeline.sleep('sleep', { needs: { approved }, until: ({ inputs }) => inputs.approved.at + 1 });
    pipeline.step('last', { needs: { approved, slept } }, ({ inputs }) => {
      expectTypeOf(inputs.approved).toEqualTypeOf<ApprovalOutput>();
      expectTypeOf(inputs.slept).toEqualTypeOf<undefined>();
    });
    expectTypeOf(gate).toEqualTypeOf<StepHandle<StepGateReport>>();
    expectTypeOf(scores).toEqualTypeOf<StepHandle<number[]>>();
    expect([rows, gate, scores, approved, slept].map(({ name }) => name)).toEqual(['rows', 'gate', 'scores', 'approve', 'sleep']);
  });

  it('have inputs that may be missing where they run without the success of what they need', () => {
    const pipeline = make();
    const auc = pipeline.step('auc', {}, () => 0.9);
    pipeline.approval('approve', { needs: { auc }, trigger: 'all_done', ask: ({ inputs }) => (expectTypeOf(inputs.auc).toEqualTypeOf<number | undefined>(), `${inputs.auc ?? 'nothing'}?`) });
    pipeline.sleep('sleep', { needs: { auc }, trigger: 'one_failed', until: ({ inputs }) => (expectTypeOf(inputs.auc).toEqualTypeOf<number | undefined>(), 0) });
    pipeline.quarantine('set aside', { needs: { auc }, trigger: 'none_failed' }, ({ inputs }) => (expectTypeOf(inputs.auc).toEqualTypeOf<number | undefined>(), { output: 1 }));
    expect(() => pipeline.sleep('sleep', { for: 1 })).toThrow("has a step 'sleep' already");
  });
});

/** Compiled, and never called: each line is a graph that must not compile. */
function wronglyWired(pipeline: Pipeline<{ month: string }>): unknown {
  const auc = pipeline.step('auc', {}, () => 0.9);
  const scores = pipeline.quarantine('scores', {}, () => ({ output: [0.5] }));
  return [
    // @ts-expect-error an approval needs a question
    () => pipeline.approval('a', { needs: { auc } }),
    // @ts-expect-error the question is a text
    () => pipeline.approval('a', { needs: { auc }, ask: ({ inputs }) => inputs.auc }),
    // @ts-expect-error there is no such input
    () => pipeline.approval('a', { needs: { auc }, ask: ({ inputs }) => `${inputs.f1}?` }),
    // @ts-expect-error there is no such param
    () => pipeline.approval('a', { ask: ({ params }) => `${params.year}?` }),
    // @ts-expect-error an approval is approved or rejected when it expires, and releases nothing
    () => pipeline.approval('a', { ask: () => 'Go?', expires: '1d', onExpiry: 'release' }),
    // @ts-expect-error a step that waits makes no attempts
    () => pipeline.approval('a', { ask: () => 'Go?', retries: { limit: 1 } }),
    // @ts-expect-error no work goes with it
    () => pipeline.approval('a', { ask: () => 'Go?' }, () => 1),
    // @ts-expect-error neither a time nor a moment
    () => pipeline.sleep('s', { needs: { auc } }),
    // @ts-expect-error a time and a moment
    () => pipeline.sleep('s', { for: '1s', until: () => 1 }),
    // @ts-expect-error an hour has another unit
    () => pipeline.sleep('s', { for: '1 hour' }),
    // @ts-expect-error a moment is no text
    () => pipeline.sleep('s', { until: () => '2026-01-01' }),
    // @ts-expect-error there is no such input
    () => pipeline.sleep('s', { needs: { auc }, until: ({ inputs }) => inputs.f1 }),
    // @ts-expect-error what a quarantine returns has an output
    () => pipeline.quarantine('q', {}, () => ({ reasons: ['why'] })),
    // @ts-expect-error reasons are a list
    () => pipeline.quarantine('q', {}, () => ({ output: 1, reasons: 'why' })),
    // @ts-expect-error what was set aside is released or rejected when it expires, and not approved
    () => pipeline.quarantine('q', { expires: '1d', onExpiry: 'approve' }, () => ({ output: 1 })),
    // @ts-expect-error for people there is expires
    () => pipeline.quarantine('q', { totalTimeout: '1d' }, () => ({ output: 1 })),
    // @ts-expect-error what goes on is the output alone, without its reasons
    () => pipeline.step('t', { needs: { scores } }, ({ inputs }) => inputs.scores.reasons),
    // @ts-expect-error a gate answers yes, no or checks
    () => pipeline.gate('g', { needs: { auc } }, ({ inputs }) => inputs.auc),
    // @ts-expect-error a check says whether it passed
    () => pipeline.gate('g', {}, () => [{ name: 'rows', pased: true }]),
    // @ts-expect-error there are errors and warnings
    () => pipeline.gate('g', {}, () => [{ name: 'rows', passed: true, severity: 'fatal' }]),
    // @ts-expect-error what is released in its place is what the step puts out
    () => pipeline.release('run', scores, { by: 'ada', output: 'none' }),
    // @ts-expect-error somebody releases it
    () => pipeline.release('run', scores, { output: [1] }),
    // @ts-expect-error somebody approves
    () => pipeline.approve('run', 'a', { comment: 'fine' }),
    // @ts-expect-error a number is no step
    () => pipeline.reject('run', 1, { by: 'ada' }),
    () => pipeline.release('run', scores, { by: 'ada', output: [1] }),
    async () => expectTypeOf((await pipeline.quarantined('run', scores)).output).toEqualTypeOf<number[]>(),
  ];
}

describe('wrong wiring', () => {
  it('does not compile, and what is right does', () => {
    expect((wronglyWired(make()) as readonly unknown[]).every((graph) => typeof graph === 'function')).toBe(true);
  });
});

describe('params by a schema that answers later', () => {
  const asked: unknown[] = [];
  const schema: StandardSchema<{ month: string }, { month: Date }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value): Promise<StandardResult<{ month: Date }>> => {
        asked.push(value);
        await new Promise<void>((resolve) => setImmediate(resolve));
        const month = new Date((value as { month: string }).month);
        return Number.isNaN(month.getTime()) ? { issues: [{ message: 'that is no month', path: ['month'] }] } : { value: { month } };
      },
    },
  };

  it('are what it made of them, typed so, also when the run is resumed', async () => {
    const storage = new MemoryStorage();
    let isDown = true;
    const pipeline = new Pipeline({ name: 'later', storage, params: schema });
    const year = pipeline.step('year', {}, ({ params }) => {
      expectTypeOf(params).toEqualTypeOf<{ month: Date }>();
      if (isDown) throw new Error('down');
      return params.month.getUTCFullYear();
    });
    const { id, status } = await pipeline.run({ params: { month: '2001-02' } });
    expect(status).toBe('failed');
    isDown = false;
    expect((await pipeline.resume(id)).output(year)).toBe(2001);
    // What it made of them is recorded, and not made of itself again.
    expect(asked).toEqual([{ month: '2001-02' }]);
    // @ts-expect-error it takes a text
    void (() => pipeline.run({ params: { month: new Date() } }));
  });

  it('are refused with their path, and nothing is recorded', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'later', storage, params: schema });
    pipeline.step('year', {}, () => expect.unreachable());
    await expect(pipeline.run({ params: { month: 'soon' } })).rejects.toMatchObject({ code: 'validation', details: { path: 'params.month' }, message: expect.stringContaining('that is no month') as string });
    expect((await storage.list({ prefix: '' })).entries).toEqual([]);
  });

  it('fails before anything is recorded when it rejects', async () => {
    const storage = new MemoryStorage();
    const broken: StandardSchema<number> = { '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('the schema service is down')) } };
    const pipeline = new Pipeline({ name: 'broken', storage, params: broken });
    pipeline.step('never', {}, () => expect.unreachable());
    await expect(pipeline.run({ params: 1 })).rejects.toThrow('the schema service is down');
    expect((await storage.list({ prefix: '' })).entries).toEqual([]);
  });
});
