import { MemoryStorage, Pipeline } from 'modelkeep';
import { expect, it } from 'vitest';

it('tells of each step what it takes from others, what it comes after, and what it waited for', async () => {
  const pipeline = new Pipeline({ name: 'release', storage: new MemoryStorage() });
  const rows = pipeline.step('rows', {}, () => [1, 2]);
  const checked = pipeline.step('check', { after: [rows] }, () => true);
  const approved = pipeline.approval('approve', { after: [checked], ask: () => 'Release it?' });
  pipeline.step('publish', { needs: { rows, ok: checked }, after: [approved] }, () => 'published');
  const { id } = await pipeline.run();

  const before = (await pipeline.getRun(id)).steps;
  expect(before['approve']).toMatchObject({ status: 'waiting', waitingFor: { kind: 'approval', asks: 'Release it?' } });
  expect(before['approve']).not.toHaveProperty('waited');
  await pipeline.approve(id, approved, { by: 'ann' });
  const result = await pipeline.resume(id);

  const { steps } = await pipeline.getRun(id);
  expect(Object.values(steps).map(({ name, needs, after }) => [name, needs, after])).toEqual([
    ['rows', {}, []],
    ['check', {}, ['rows']],
    ['approve', {}, ['check']],
    ['publish', { rows: 'rows', ok: 'check' }, ['approve']],
  ]);
  for (const step of [steps['approve'], result.steps['approve']]) {
    expect(step).toMatchObject({ status: 'succeeded', waited: { kind: 'approval', since: before['approve']!.waitingFor!.since } });
    expect(step).not.toHaveProperty('waitingFor');
  }
  expect(steps['rows']).not.toHaveProperty('waited');
});
