import { MemoryStorage, Pipeline, type PipelineResult, type StepHandle } from 'modelkeep';
import { expect, it } from 'vitest';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { faultyStorage, type Fault } from './faulty-storage.ts';
import { gathered } from './nesting/gathered.ts';

/** A pipeline that has a step of every kind; what its steps do is written down. */
function everyKind(storage: StorageAdapter, ran: string[]): { readonly pipeline: Pipeline; readonly end: StepHandle<string> } {
  const pipeline = new Pipeline({ name: 'every', storage });
  const does = <T>(name: string, value: T) => (): T => (ran.push(name), value);
  const rows = pipeline.step('rows', { totalTimeout: '1m' }, does('rows', [1, 2]));
  const sound = pipeline.gate('gate', { needs: { rows } }, does('gate', true));
  const fitted = pipeline.map('fit', { needs: { rows }, over: ({ inputs }) => inputs.rows, retries: { limit: 1, backoff: 0 } }, ({ item, index, run }) => {
    ran.push(`fit ${index}`);
    if (index === 0 && run.attempt === 1) throw new Error('not at first');
    return item * 10;
  });
  const approved = pipeline.approval('approve', { after: [sound], ask: () => 'Go?' });
  const scores = pipeline.quarantine('scores', { needs: { fitted } }, ({ inputs }) => (ran.push('scores'), { output: inputs.fitted, reasons: ['20 is large'] }));
  const rested = pipeline.sleep('rest', { after: [approved], until: () => 0 });
  const declined = pipeline.step('declined', { after: [rested], when: () => false }, does('declined', 0));
  const end = pipeline.step('end', { needs: { approved, scores }, after: [declined], trigger: 'none_failed' }, ({ inputs }) => (ran.push('end'), `${inputs.scores?.join()} by ${inputs.approved?.by}`));
  pipeline.finally('last', {}, does('last', 0));
  return { pipeline, end };
}

/** Brings a run to its end, whatever it waits for. */
async function goOn(pipeline: Pipeline, id: string): Promise<PipelineResult> {
  for (let turn = 0; turn < 4; turn++) {
    const result = await pipeline.resume(id, { takeOver: true });
    if (result.status !== 'waiting') return result;
    for (const { step, kind } of result.waitingFor) await (kind === 'approval' ? pipeline.approve(id, step, { by: 'ada' }) : pipeline.release(id, step, { by: 'ada' }));
  }
  return expect.unreachable('the run waits for what was decided');
}

/** Has the first process die by a fault, others go on, and gives how often each step was done; `undefined` when the fault was never come to. */
async function dieBy(fault: Fault): Promise<ReadonlyMap<string, number> | undefined> {
  const storage = new MemoryStorage();
  const ran: string[] = [];
  const faulty = faultyStorage(storage, fault);
  const first = await everyKind(faulty, ran).pipeline.run().catch(() => undefined);
  const { pipeline, end } = everyKind(storage, ran);
  const id = (await gathered(pipeline.runs()))[0]?.id;
  // It died before there was a run.
  if (id === undefined) return new Map();
  const result = await goOn(pipeline, id);
  expect([result.status, result.steps['end']!.failure]).toEqual(['succeeded', undefined]);
  expect(result.output(end)).toBe('10,20 by ada');
  expect(Object.values(result.steps).map(({ name, status }) => `${name} ${status}`)).toEqual(['rows', 'gate', 'fit', 'approve', 'scores', 'rest', 'declined', 'end', 'last'].map((name) => `${name} ${name === 'declined' ? 'skipped' : 'succeeded'}`));
  const { entries } = await storage.list({ prefix: 'pipelines/every/' });
  expect(entries.map(({ key }) => key).filter((key) => /\/(waiting|tasks)\//.test(key))).toEqual([]);
  return first !== undefined && faulty.calls < (fault.call as number) ? undefined : new Map([...new Set(ran)].map((name) => [name, ran.filter((each) => each === name).length]));
}

it.each(['none', 'done'] as const)('a run of steps of every kind comes to the same whichever call of the store its process dies at, with the effect of that call %s', async (effect) => {
  let calls = 0;
  for (let call = 1; ; call++) {
    const counts = await dieBy({ call, effect, then: 'dead' });
    if (counts === undefined) break;
    calls = call;
    // At most what was under way is done once more; the first item fails once in each process that begins with it.
    for (const [name, count] of counts) expect(count, `${name}, call ${call}`).toBeLessThanOrEqual(name === 'fit 0' ? 3 : 2);
    expect(counts.has('declined')).toBe(false);
  }
  expect(calls).toBeGreaterThan(20);
});
