import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';

const half = '\ud800';

/** A pipeline as plain JavaScript sees it, where everything may be given. */
type Loose = Record<string, (...given: unknown[]) => unknown>;

function make(options: object = {}): Loose {
  return new Pipeline({ name: 'p', storage: new MemoryStorage(), ...options }) as unknown as Loose;
}

function ready(): Loose {
  const pipeline = make();
  pipeline['step']!('s', {}, () => 1);
  return pipeline;
}

const lost = (value: unknown): object => Object.fromEntries([['__proto__', value]]);

const called = async (call: () => unknown): Promise<unknown> => call();

describe('what a pipeline cannot take is refused with a code, and a message that says what it must be', () => {
  it.each<[string, () => unknown, string]>([
    ['an executor that is none', () => make({ executor: 'threads' }), 'options.executor must be "workers", or have a method execute.'],
    ['a pool without a name', () => make({ pools: { '': 1 } }), 'options.pools. has a name that must not be empty.'],
    ['a name that cannot be stored', () => make({ name: half }), 'options.name has a lone surrogate, which UTF-8 cannot hold.'],
    ['an owner that cannot be stored', () => make({ owner: half }), 'options.owner has a lone surrogate, which UTF-8 cannot hold.'],
    ['a step whose name cannot be stored', () => make()['step']!(half, {}, () => 1), 'name has a lone surrogate, which UTF-8 cannot hold.'],
    ['a pool that would be lost', () => make({ pools: lost(1) }), "options.pools has something called '__proto__', which would be lost; give it another name."],
    ['a need that would be lost', () => make()['step']!('s', { needs: lost(1) }, () => 1), "step 's'.needs has something called '__proto__'"],
    ['a piece of the environment that would be lost', () => make()['step']!('s', { cache: { version: '1', environment: lost('1') } }, () => 1), "step 's'.cache.environment has something called '__proto__'"],
    ['no time for an attempt', () => make()['step']!('s', { timeout: 0 }, () => 1), "step 's'.timeout is 0, so that everything would be too late"],
    ['no time for a step', () => make()['step']!('s', { totalTimeout: '0s' }, () => 1), "step 's'.totalTimeout is 0"],
    ['no time for a run', () => make({ runTimeout: 0 }), 'options.runTimeout is 0'],
    ['no items', () => make()['map']!('s', {}, () => 1), "step 's'.over is missing; it must be an array, or be a function."],
    ['items that are no list', () => make()['map']!('s', { over: 7 }, () => 1), "step 's'.over must be an array, or be a function."],
    ['nobody who may approve', () => make()['approval']!('s', { ask: () => 'Go?', approvers: [] }), "step 's'.approvers must have at least 1 element."],
    ['what is to be refreshed', () => ready()['run']!({ refresh: 's' }), 'options.refresh must be a boolean, or be an array.'],
    ['an interval that is none', () => ready()['schedule']!({ name: 'd', every: {} }), 'options.every must be'],
    ['a schedule that is called by a symbol', () => ready()['schedule']!({ name: Symbol('s'), cron: '@daily' }), 'options.name must be a string.'],
    ['a trigger that is called by a symbol', () => ready()['triggerOn']!(new Pipeline({ name: 'q', storage: new MemoryStorage() }).ends(), { name: Symbol('s') }), 'options.name must be a string.'],
    ['options of a run that are none', () => ready()['getRun']!('0', 7), 'options must be an object.'],
    ['options of a history that are none', () => ready()['history']!('0', null), 'options must be an object.'],
    ['a signal that is none', () => ready()['lineage']!('0', { signal: true }), 'options.signal must be an AbortSignal.'],
    ['a decider whose name cannot be stored', () => decided({ by: half }), 'options.by has a lone surrogate, which UTF-8 cannot hold.'],
    ['a comment that cannot be stored', () => decided({ by: 'ada', comment: half }), 'options.comment has a lone surrogate, which UTF-8 cannot hold.'],
  ])('%s', async (_, call, message) => {
    await expect(called(call)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(message) as string });
  });

  it.each(['resume', 'getRun', 'history', 'lineage', 'approve', 'release', 'reject', 'quarantined', 'listLogs'])('an id of a run that is none, by %s', async (method) => {
    for (const id of [undefined, null, 7, 7n, Symbol('s'), {}, '', 'a/b', '../..', half, 'x'.repeat(5_000)]) {
      const rest = method === 'listLogs' ? [{ step: 's' }] : method === 'approve' || method === 'release' || method === 'reject' || method === 'quarantined' ? ['s', { by: 'ada' }] : [];
      await expect(called(() => ready()[method]!(id, ...(method === 'quarantined' ? ['s'] : rest)))).rejects.toMatchObject({ code: 'not-found', message: expect.stringMatching(/^Pipeline 'p' has no run .{0,220}; runs\(\) lists those that there are\.$/) as string });
    }
  });
});

async function decided(options: object): Promise<unknown> {
  const pipeline = make();
  pipeline['approval']!('ok', { ask: () => 'Go?' });
  const { id } = (await pipeline['run']!()) as { id: string };
  return pipeline['approve']!(id, 'ok', options);
}

describe('names that are hard on files, objects and logs', () => {
  it.each(['a/b', '../..', '.', '__proto__', 'constructor', 'a\u0000b', ' ', '😀', 'CON', 'A', 'x'.repeat(200), "it's `quoted`", '%2F', '\u202eright to left'])('%j are kept apart and come back as they were', async (name) => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-names-'));
    const storage = new FilesystemStorage(directory);
    const own = name === '__proto__' ? 'first' : name;
    const pipeline = new Pipeline({ name, storage, owner: name, pools: { [own]: 1 } });
    const first = pipeline.step(name, { pool: own, cache: { version: name, environment: { [own]: name } } }, ({ log }) => (log.info(name), Object.fromEntries([[name, name]])));
    const mapped = pipeline.map(`${name}~`.slice(-200), { over: [name], needs: { [own]: first } }, ({ item, inputs }) => `${item} ${Object.keys(inputs).join()}`);
    const run = await pipeline.run();
    expect([run.status, run.output(first), run.output(mapped)]).toEqual(['succeeded', Object.fromEntries([[name, name]]), [`${name} ${own}`]]);
    const read = await pipeline.getRun(run.id);
    expect(Object.keys(read.steps)).toEqual([name, `${name}~`.slice(-200)]);
    expect((await pipeline.listLogs(run.id, { step: name })).items.map(({ text }) => text)).toEqual([name]);
    const again = await new Pipeline({ name: `${name.slice(0, 199)}-`, storage }).searchRuns();
    expect(again.items).toEqual([]);
    await storage.close();
    rmSync(directory, { recursive: true });
  });
});
