import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryStorage, Tracker, type RunPage, type SearchRunsOptions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { decode } from '../../src/core/codec.ts';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import type { StoredRun } from '../../src/tracking/run-record.ts';
import { keys } from '../../src/tracking/tracking-keys.ts';
import { ManualClock } from './manual-clock.ts';

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'modelkeep-search-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const namesOf = ({ items }: RunPage): (string | undefined)[] => items.map(({ name }) => name);

/** With a clock, a millisecond is between the runs; without, none may be. */
async function three(tracker: Tracker, clock?: ManualClock): Promise<void> {
  for (const [name, loss, team] of [['a', 0.3, 'ops'], ['b', NaN, 'Data'], ['c', 0.1, 'ops']] as const) {
    await tracker.withRun({ experiment: name === 'c' ? 'second' : 'first', name, params: { lr: loss, layers: [64, 32] }, tags: { team } }, async (run) => {
      run.logMetrics({ loss }, { step: 1 });
      await run.logDataset({ name: `flights-${name}`, role: 'training', rows: [{ x: loss }] });
    });
    await clock?.pass(1);
  }
}

describe('searchRuns', () => {
  it('finds by every part of a run, in the order that is asked for', async () => {
    const clock = new ManualClock();
    const tracker = new Tracker({ storage: new MemoryStorage(), clock });
    await three(tracker, clock);
    const found = async (options: SearchRunsOptions): Promise<unknown> => namesOf(await tracker.searchRuns(options));
    expect(await found({})).toEqual(['c', 'b', 'a']);
    expect(await found({ filter: 'metrics.loss < 1' })).toEqual(['c', 'a']);
    expect(await found({ filter: "tags.team ilike 'o%' and not attributes.name = 'a'" })).toEqual(['c']);
    expect(await found({ filter: "params.layers = '[64,32]'", orderBy: ['metrics.loss desc'] })).toEqual(['a', 'c', 'b']);
    expect(await found({ filter: { dataset: 'name', like: 'flights-_' }, orderBy: ['metrics.loss'] })).toEqual(['c', 'a', 'b']);
    expect(await found({ filter: "datasets.name = 'flights-b' and datasets.context = 'training'" })).toEqual(['b']);
    expect(await found({ experiments: ['second'] })).toEqual(['c']);
    expect((await tracker.searchRuns({ filter: { dataset: 'name', exists: true } })).items[0]).not.toHaveProperty('datasets');
    for (const item of (await tracker.searchRuns()).items) expect(item).toStrictEqual(await tracker.getRun(item.id));
  });

  it('sees what this tracker, another one and another store object have changed since', async () => {
    const path = await directory();
    const tracker = new Tracker({ storage: new FilesystemStorage(path) });
    const other = new Tracker({ storage: new FilesystemStorage(path) });
    await three(tracker);
    expect(namesOf(await tracker.searchRuns({ filter: 'metrics.loss < 1' }))).toEqual(['c', 'a']);
    const live = await other.startRun({ experiment: 'first', name: 'd' });
    live.logMetrics({ loss: 5 });
    await live.flush();
    expect(namesOf(await tracker.searchRuns({ filter: 'metrics.loss > 1' }))).toEqual(['d']);
    live.logMetrics({ loss: 7 }, { step: 9 });
    await live.flush();
    expect(namesOf(await tracker.searchRuns({ filter: 'metrics.loss = 7' }))).toEqual(['d']);
    await live.end();
    const [c] = (await other.searchRuns({ filter: "name = 'c'" })).items;
    await other.deleteRun(c!.id);
    await other.updateRun((await other.searchRuns({ filter: "name = 'a'" })).items[0]!.id, { name: 'A' });
    expect(namesOf(await tracker.searchRuns())).toEqual(['d', 'b', 'A']);
    expect(namesOf(await tracker.searchRuns({ deleted: 'only' }))).toEqual(['c']);
    await other.purgeDeleted({ olderThan: 0 });
    expect(namesOf(await tracker.searchRuns({ deleted: 'include' }))).toEqual(['d', 'b', 'A']);
  });

  it('finds runs that crashed by their status', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    await new Tracker({ storage, clock: new ManualClock() }).startRun({ experiment: 'e', name: 'left' });
    const tracker = new Tracker({ storage, clock });
    expect(namesOf(await tracker.searchRuns({ filter: "status = 'running'" }))).toEqual(['left']);
    await clock.pass(3_600_000);
    expect(namesOf(await tracker.searchRuns({ filter: "status = 'crashed'" }))).toEqual(['left']);
  });

  it('shows the others when records are damaged, and says which are, once', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    await three(tracker);
    const live = await tracker.startRun({ experiment: 'e', name: 'live' });
    live.logMetrics({ loss: 1 });
    await live.flush();
    const [b] = (await tracker.searchRuns({ filter: "name = 'b'" })).items;
    await storage.write([{ kind: 'put', key: keys.run(b!.id), bytes: new Uint8Array([1, 2, 3]) }]);
    await storage.append(keys.metrics(live.id), [new Uint8Array([9])]);
    const first = await tracker.searchRuns({ limit: 1 });
    expect(namesOf(first)).toEqual(['c']);
    expect(first.damaged.map(({ id }) => id)).toEqual([live.id, b!.id]);
    const second = await tracker.searchRuns({ limit: 1, after: first.next });
    expect(namesOf(second)).toEqual(['a']);
    expect(second.damaged).toEqual([]);
  });

  it('gives pages that neither skip nor repeat while runs come and go', async () => {
    const seed = 20_261_128;
    const generator = new SeededGenerator(seed);
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const start = async (): Promise<string> => {
      const run = await tracker.startRun({ experiment: 'e' });
      run.logMetrics({ score: generator.below(5) });
      return (await run.end()).id;
    };
    const before: string[] = [];
    for (let i = 0; i < 40; i++) before.push(await start());
    const doomed = new Set<string>();
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await tracker.searchRuns({ orderBy: ['metrics.score desc'], limit: 7, after });
      seen.push(...page.items.map(({ id }) => id));
      after = page.next;
      await start();
      const gone = before[generator.below(before.length)]!;
      doomed.add(gone);
      await tracker.deleteRun(gone);
    } while (after !== undefined);
    expect(new Set(seen).size, `seed ${seed}`).toBe(seen.length);
    expect(before.filter((id) => !doomed.has(id) && !seen.includes(id))).toEqual([]);
  });

  it('refuses what it cannot read, at the place', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    await three(tracker);
    await expect(tracker.searchRuns({ filter: 'metrics.loss << 3' })).rejects.toMatchObject({ code: 'validation', details: { position: 13 } });
    await expect(tracker.searchRuns({ orderBy: ['loss'] })).rejects.toMatchObject({ code: 'validation' });
    await expect(tracker.searchRuns({ filter: { metric: 'loss', lt: 'x' } as never })).rejects.toMatchObject({ code: 'validation' });
    await expect(tracker.searchRuns({ limit: 0 })).rejects.toThrow(/^limit is 0/);
    await expect(tracker.searchRuns({ after: 'rubbish' })).rejects.toThrow(/^after is/);
    const { next } = await tracker.searchRuns({ limit: 1 });
    await expect(tracker.searchRuns({ limit: 1, after: next, filter: 'metrics.loss > 0' })).rejects.toThrow(/another filter or order/);
    await expect(tracker.searchRuns({ limit: 1, after: next, experiments: ['first'] })).rejects.toMatchObject({ code: 'validation' });
    await expect(tracker.searchRuns({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

async function namesIn(items: AsyncIterable<{ name: string }>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of items) names.push(name);
  return names;
}

describe('comparing and repeating through the tracker', () => {
  it('says what differs, with best values, and what it takes to run again', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const ids: string[] = [];
    for (const lr of [0.1, 0.2]) {
      await tracker.withRun({ experiment: 'e', params: { lr, depth: 3 }, seed: 7 }, (run) => {
        ids.push(run.id);
        [3, 1, 2].forEach((loss, step) => run.logMetrics({ loss: loss * lr }, { step }));
      });
    }
    const comparison = await tracker.compareRuns(ids, { only: 'differences' });
    expect(comparison.params.map(({ name }) => name)).toEqual(['lr']);
    expect(comparison.metrics[0]).toMatchObject({ name: 'loss', verdict: 'different', best: [{ step: 1, value: 0.1 }, { step: 1, value: 0.2 }] });
    const recipe = await tracker.reproduction(ids[0]!);
    expect(recipe.seed).toMatchObject({ value: 7 });
    expect(recipe.warnings.map(({ code }) => code)).toContain('no-environment');
    expect(await tracker.verifyReproduction(ids[0]!, ids[0]!)).toMatchObject({ reproduced: true });
    expect(await tracker.verifyReproduction(ids[0]!, ids[1]!)).toMatchObject({ reproduced: false });
    await expect(tracker.compareRuns([ids[0]!, 'nobody'])).rejects.toMatchObject({ code: 'not-found' });
  });

  it('knows the best values of sessions that ended, are open, or died', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const first = await new Tracker({ storage, clock: new ManualClock() }).startRun({ experiment: 'e' });
    const tracker = new Tracker({ storage, clock });
    const second = await tracker.startRun({ resume: first.id });
    const third = await tracker.startRun({ resume: first.id });
    const plain = await tracker.startRun({ experiment: 'e' });
    for (const [run, loss] of [[first, 0.5], [second, 0.1], [third, 0.3], [plain, 1]] as const) {
      run.logMetrics({ loss }, { step: 1 });
      run.logMetrics({ loss: 2 }, { step: 2 });
      await run.flush();
    }
    const best = async (): Promise<unknown[]> => (await tracker.compareRuns([first.id, plain.id])).metrics.map(({ best: [least] }) => least?.value);
    expect(await best()).toEqual([0.1]);
    await second.end();
    expect(await best()).toEqual([0.1]);
    await clock.pass(3_600_000);
    await third.end();
    expect(await best()).toEqual([0.1]);
    const [open] = (await storage.read([keys.run(first.id)])).map((record) => decode(record!.bytes, first.id) as StoredRun);
    expect(open!.openSessions).toEqual([]);
  });

  it('tells of what is damaged beside the runs, and goes on without it', async () => {
    const storage = new MemoryStorage();
    const errors: unknown[] = [];
    const tracker = new Tracker({ storage, onError: (error) => errors.push(error) });
    const ids: string[] = [];
    for (const experiment of ['a', 'b']) {
      await tracker.withRun({ experiment }, async (run) => {
        ids.push(run.id);
        run.logMetrics({ loss: ids.length });
        await run.logText('a.txt', 'a');
        await run.logText('b.txt', experiment);
        await run.logDataset({ name: 'd', role: 'training', rows: [{ x: 1 }] });
      });
    }
    const [dataset, extremes] = await Promise.all([keys.datasets(ids[0]!), keys.extremes(ids[0]!)].map(async (prefix) => (await storage.list({ prefix })).entries[0]!.key));
    for (const key of [keys.experiment('a'), keys.artifact(ids[0]!, 'a.txt'), dataset!, extremes!]) await storage.write([{ kind: 'put', key, bytes: new Uint8Array([1]) }]);
    const told = async (work: () => Promise<unknown>): Promise<unknown[]> => {
      errors.length = 0;
      return [await work(), errors.map((error) => (error as { code: string }).code)];
    };
    expect(await told(() => namesIn(tracker.experiments()))).toEqual([['b'], ['integrity']]);
    expect(await told(() => namesIn(tracker.artifacts(ids[0]!)))).toEqual([['b.txt'], ['integrity']]);
    expect(await told(() => tracker.datasets(ids[0]!))).toEqual([[], ['integrity']]);
    const comparison = await tracker.compareRuns(ids);
    expect(comparison.artifacts).toMatchObject([{ name: 'b.txt', verdict: 'different' }, { name: 'a.txt', verdict: 'missing' }]);
    expect(comparison.metrics[0]!.best.map((point) => point?.value)).toEqual([undefined, 2]);
  });
});
