import { createHash } from 'node:crypto';
import { isModelkeepError, MemoryStorage, Pipeline } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import '../../../src/pipelines/history/search-runs.ts';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/schedules/schedule.ts';
import '../../../src/pipelines/triggers/trigger.ts';
import { packOutput } from '../../../src/pipelines/output-codec.ts';
import { ManualClock } from '../manual-clock.ts';

const day = 86_400_000;
const begin = Date.UTC(2026, 0, 1);
const schema = z.object({ month: z.string(), split: z.optional(z.object({ seed: z.number() })), fail: z.optional(z.boolean()) });

function define(storage = new MemoryStorage(), clock = new ManualClock(begin)) {
  const errors: unknown[] = [];
  const pipeline = new Pipeline({ name: 'retrain', storage, clock, params: schema, onError: (error) => errors.push(error) });
  pipeline.step('train', {}, ({ params }) => {
    if (params.fail) throw new Error('out of memory');
    clock.jump(1000);
    return params.month;
  });
  return { pipeline, storage, clock, errors };
}

/** Runs of three months, a day apart; the second fails. */
async function threeRuns() {
  const world = define();
  const ids: string[] = [];
  for (const [i, month] of ['2001-01', '2001-02', '2001-03'].entries()) {
    ids.push((await world.pipeline.run({ params: { month, split: { seed: i }, ...(i === 1 && { fail: true }) } })).id);
    world.clock.jump(day);
  }
  return { ...world, ids };
}

async function monthsOf(pipeline: Pipeline<z.infer<typeof schema>>, filter?: Parameters<typeof pipeline.searchRuns>[0]): Promise<string[]> {
  return (await pipeline.searchRuns(filter)).items.map(({ params }) => (params as { month: string }).month);
}

async function damage(storage: MemoryStorage, run: string): Promise<void> {
  const [result] = await storage.write([{ kind: 'put', key: `pipelines/retrain/runs/${run}`, bytes: new TextEncoder().encode('{"state":') }]);
  expect(result!.ok).toBe(true);
}

describe('pipeline.searchRuns', () => {
  it('finds runs by status, time, cause and params, as a text or as an object, the newest first', async () => {
    const { pipeline } = await threeRuns();
    expect(await monthsOf(pipeline)).toEqual(['2001-03', '2001-02', '2001-01']);
    expect(await monthsOf(pipeline, { filter: "status = 'failed'" })).toEqual(['2001-02']);
    expect(await monthsOf(pipeline, { filter: { attribute: 'status', in: ['succeeded', 'cancelled'] } })).toEqual(['2001-03', '2001-01']);
    expect(await monthsOf(pipeline, { filter: `startedAt >= ${begin + day} and startedAt < ${begin + 2 * day + 5000}` })).toEqual(['2001-03', '2001-02']);
    expect(await monthsOf(pipeline, { filter: "params.month >= '2001-02' and params.split.seed = '2'" })).toEqual(['2001-03']);
    expect(await monthsOf(pipeline, { filter: { and: [{ param: 'fail', eq: 'true' }, { attribute: 'cause', eq: 'call' }] } })).toEqual(['2001-02']);
    expect(await monthsOf(pipeline, { filter: { attribute: 'causeName', exists: true } })).toEqual([]);
    expect(await monthsOf(pipeline, { orderBy: ['duration desc', 'params.month'] })).toEqual(['2001-01', '2001-03', '2001-02']);
  });

  it('finds runs by who started them, which their history tells too', async () => {
    const { pipeline } = await threeRuns();
    const { id } = await pipeline.run({ params: { month: '2001-04', split: { seed: 4 } }, by: 'ada', reason: 'labels came late' });
    const { items } = await pipeline.searchRuns({ filter: "startedBy = 'ada'" });
    expect(items.map(({ id: found, triggeredBy }) => [found, triggeredBy])).toEqual([[id, { kind: 'call', by: 'ada', reason: 'labels came late' }]]);
    expect((await pipeline.history(id))[0]).toMatchObject({ type: 'started', by: 'ada', reason: 'labels came late' });
    for (const wrong of [{ by: '' }, { by: 3 }, { reason: 3 }]) await expect(pipeline.run({ params: { month: '2001-05', split: { seed: 5 } }, ...wrong } as never)).rejects.toMatchObject({ code: 'validation' });
  });

  it('tells schedules and triggers apart by name', async () => {
    const { pipeline, clock, storage } = define();
    const other = new Pipeline({ name: 'after', storage, clock });
    other.step('report', {}, () => 'sent');
    await pipeline.run({ params: { month: '2001-01' } });
    await other.triggerOn(pipeline.ends(), { name: 'retrained', from: 'beginning' });
    await other.schedule({ name: 'hourly', every: '1h', start: clock.now() - 7_200_000, catchup: true });
    const keeper = other.start();
    await clock.advance(60_000);
    await keeper.close({ signal: AbortSignal.abort() });
    const found = async (filter: string): Promise<number> => (await other.searchRuns({ filter })).items.length;
    expect(await found("cause = 'trigger' and causeName = 'retrained' and source like 'pipelines/ends/%'")).toBe(1);
    expect(await found(`cause = 'schedule' and intervalEnd <= ${begin + 1000}`)).toBe(2);
    expect(await found("cause = 'backfill'")).toBe(0);
  });

  it('pages by keys: none is skipped or comes twice though others begin meanwhile', async () => {
    const { pipeline, ids } = await threeRuns();
    const first = await pipeline.searchRuns({ limit: 2 });
    await pipeline.run({ params: { month: '2001-04' } });
    const second = await pipeline.searchRuns({ limit: 2, after: first.next });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.reverse());
    expect(second.next).toBeUndefined();
    await expect(pipeline.searchRuns({ limit: 2, after: first.next, filter: "status = 'failed'" })).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
  });

  it('keeps a damaged run from hiding others, and tells of it', async () => {
    const { pipeline, storage, errors, ids } = await threeRuns();
    await damage(storage, ids[1]!);
    const page = await pipeline.searchRuns({ limit: 1 });
    expect(page.damaged).toMatchObject([{ id: ids[1], error: { code: 'integrity' } }]);
    const next = await pipeline.searchRuns({ limit: 1, after: page.next });
    expect([...page.items, ...next.items].map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    expect(next.damaged).toEqual([]);
    const listed: string[] = [];
    for await (const { id } of pipeline.runs()) listed.push(id);
    expect(listed).toEqual([ids[2], ids[0]]);
    expect(errors).toHaveLength(1);
    expect((errors[0] as Error).message).toContain(ids[1]);
  });

  it('tells a run whose process died from one that goes on', async () => {
    const { pipeline, storage, clock } = define();
    const asked: string[][] = [];
    const statuses = async (): Promise<string[]> => (await pipeline.searchRuns()).items.map(({ status }) => status);
    const other = new Pipeline({ name: 'retrain', storage, clock });
    other.step('train', {}, async () => {
      asked.push(await statuses());
      clock.jump(31_000);
      asked.push(await statuses());
    });
    await other.run();
    expect(asked).toEqual([['running'], ['interrupted']]);
    expect(await statuses()).toEqual(['succeeded']);
  });

  it.each([
    ['an unknown attribute', { filter: "state = 'failed'" }, 'there is no attribute "state"'],
    ['a word that no status is', { filter: "status = 'green'" }, 'green'],
    ['a limit of none', { limit: 0 }, 'limit'],
    ['a text as a number', { filter: { attribute: 'startedAt', gt: 'yesterday' } }, 'yesterday'],
    ['another option', { filters: 'x' }, 'filters'],
    ['a text without a name', { filter: '= 3' }, 'a name such as status, found'],
    ['a filter that is none', { filter: 3 }, "a filter such as { attribute: 'status', eq: 'failed' }."],
    ['an order that is none', { orderBy: [3] }, "an object such as { attribute: 'duration', direction: 'desc' }."],
    ['an order that is no list', { orderBy: 'duration' }, "an array such as ['status']."],
  ])('refuses %s', async (_, options, says) => {
    const { pipeline } = define();
    await expect(pipeline.searchRuns(options as never)).rejects.toThrow(says);
  });
});

describe('pipeline.getRun', () => {
  it('tells what each step was given and put out, by digest', async () => {
    const clock = new ManualClock(begin);
    const pipeline = new Pipeline({ name: 'digests', storage: new MemoryStorage(), clock });
    const small = pipeline.step('small', {}, () => ({ rows: 3 }));
    const large = pipeline.step('large', {}, () => new Float64Array(10_000).fill(0.5));
    const broken = pipeline.step('broken', {}, (): number => {
      throw new Error('no');
    });
    pipeline.step('join', { needs: { small, large } }, ({ inputs }) => inputs.large.length + inputs.small.rows);
    pipeline.step('late', { needs: { broken, small }, trigger: 'all_done' }, () => undefined);
    const { id } = await pipeline.run();
    const { steps } = await pipeline.getRun(id);
    const digestOf = (value: unknown): string => `sha256:${createHash('sha256').update(packOutput(value)).digest('hex')}`;
    const output = { digest: digestOf({ rows: 3 }), size: packOutput({ rows: 3 }).length };
    expect(steps['small']).toMatchObject({ status: 'succeeded', inputs: {}, output });
    expect(steps['large']!.output).toMatchObject({ digest: digestOf(new Float64Array(10_000).fill(0.5)) });
    expect(steps['join']).toMatchObject({ inputs: { small: { step: 'small', ...output }, large: { step: 'large', ...steps['large']!.output } }, output: { digest: digestOf(10_003) } });
    expect(steps['broken']).toMatchObject({ status: 'failed', inputs: {}, output: undefined });
    expect(steps['late']).toMatchObject({ status: 'succeeded', inputs: { small: { step: 'small', ...output } }, output: undefined });
    expect(Object.keys(steps['late']!.inputs)).toEqual(['small']);
  });

  it('does not say that a step was given what came later', async () => {
    const pipeline = new Pipeline({ name: 'rounds', storage: new MemoryStorage() });
    let broken = true;
    const source = pipeline.step('source', {}, () => {
      if (broken) throw new Error('not yet');
      return 1;
    });
    pipeline.step('anyway', { needs: { source }, trigger: 'all_done' }, ({ inputs }) => inputs.source ?? 'nothing');
    const { id } = await pipeline.run();
    broken = false;
    expect((await pipeline.resume(id)).status).toBe('succeeded');
    const { steps } = await pipeline.getRun(id);
    expect(steps['source']!.output).toBeDefined();
    expect(steps['anyway']!.inputs).toEqual({});
  });
});
