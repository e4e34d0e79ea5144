import { MemoryStorage, Pipeline } from 'modelkeep';
import { describe, expect, it } from 'vitest';

describe('run.key', () => {
  it('is the same in each attempt, after a resumption, elsewhere and in a child, and another for each item, step and run', async () => {
    const storage = new MemoryStorage();
    const told: { readonly key: string; readonly of: string }[] = [];
    const effects = new Set<string>();
    let broken = true;
    const define = (executor?: 'workers'): Pipeline => {
      const child = new Pipeline({ name: 'child', storage });
      child.step('below', { retries: { limit: 1, backoff: 0 } }, ({ run }) => note(run, run.attempt < 2 || broken));
      const pipeline = new Pipeline({ name: 'nightly', storage, ...(executor && { executor }) });
      const note = ({ key, id, pipeline: of, step, index }: { key: string; id: string; pipeline: string; step: string; index?: number | undefined }, fails: boolean): void => {
        told.push({ key, of: `${of} ${id} ${step} ${index}` });
        effects.add(key);
        if (fails) throw new Error('the answer was lost');
      };
      const flaky = pipeline.step('Größe / 1', { retries: { limit: 1, backoff: 0 } }, ({ run }) => note(run, run.attempt < 2 || broken));
      pipeline.step('1', {}, ({ run }) => note(run, broken));
      pipeline.map('many', { over: [1, 2, 3] }, ({ run }) => note(run, broken));
      pipeline.step('nested', { after: [flaky], trigger: 'all_done' }, child.asStep());
      pipeline.finally('report', {}, ({ run }) => note(run, false));
      return pipeline;
    };
    const first = await define().run();
    const second = await define().run();
    expect([first.status, second.status]).toEqual(['failed', 'failed']);
    broken = false;
    const away = define('workers');
    const hands = away.work();
    expect((await away.resume(first.id)).status).toBe('succeeded');
    await hands.close();
    expect((await define().resume(second.id)).status).toBe('succeeded');
    const keyOf = new Map(told.map(({ key, of }) => [of, key]));
    for (const { key, of } of told) expect(keyOf.get(of), of).toBe(key);
    // Each of two steps, three items, a step below and a step at the end, in two runs.
    expect([keyOf.size, new Set(keyOf.values()).size, effects.size]).toEqual([14, 14, 14]);
    expect(told.length).toBeGreaterThan(28);
    for (const key of effects) expect(key).toMatch(/^[\x21-\x7e]{1,300}$/);
  });
});
