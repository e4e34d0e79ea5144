import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, type RegistryEvent, type RegistryEventSource } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';

const directory = temporaryDirectories();
const why = { by: 'ada', reason: 'because' };

/** Reads a source to its end, so many events at a time. */
async function drained(source: RegistryEventSource, after?: string, limit = 100): Promise<{ events: RegistryEvent[]; next: string | undefined }> {
  const events: RegistryEvent[] = [];
  for (let cursor = after; ; ) {
    const page = await source.poll(cursor, { limit });
    expect(page.events.length).toBeLessThanOrEqual(limit);
    for (const { id, at, ref, data } of page.events) {
      expect({ id, at, ref }).toEqual({ id: data.id, at: data.at, ref: data.subject });
      events.push(data);
    }
    if (page.next === cursor) return { events, next: cursor };
    cursor = page.next;
  }
}

const ids = (events: readonly RegistryEvent[]): string[] => events.map(({ id }) => id);

describe('the events of a registry as a source', () => {
  it('are what the histories tell, each once, those of a model in order, whoever makes them while they are read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ü'), fc.integer({ min: 0, max: 3 })), { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        const storage = new MemoryStorage();
        const writers = [new Registry({ storage }), new Registry({ storage })];
        const source = writers[0]!.events();
        const got: RegistryEvent[] = [];
        let cursor: string | undefined;
        for (const [model, kind] of steps) {
          const registry = writers[kind % 2]!;
          if (kind === 3) {
            const page = await source.poll(cursor, { limit });
            got.push(...page.events.map(({ data }) => data));
            cursor = page.next;
          } else if (kind === 2) await registry.deleteModel(model, why).catch(() => undefined);
          else await registry.createModel(model).catch(() => registry.updateModel(model, { description: String(Math.random()) }));
        }
        // Another process goes on from the cursor.
        got.push(...(await drained(new Registry({ storage }).events(), cursor, limit)).events);
        const names = [...new Set(steps.flatMap(([model, kind]) => (kind < 2 ? [model] : [])))];
        for (const model of names) expect(ids(got.filter(({ subject }) => subject.id === model))).toEqual(ids(await writers[1]!.history(model)));
        expect(new Set(ids(got)).size).toBe(got.length);
      }),
      { numRuns: 60, seed: 20 },
    );
  });

  it('are those of the models and types that are asked for, also of models that come later', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    const source = registry.events({ models: ['fraud', 'later'], types: ['stage-changed', 'model-created'] });
    for (const model of ['churn', 'fraud']) {
      await registry.createModel(model);
      await registry.registerVersion(model, { files: { f: model } });
      await registry.promote(`${model}@1`, 'staging', why);
    }
    const first = await drained(source, undefined, 1);
    expect(first.events.map(({ type, subject }) => [type, subject.id])).toEqual([['model-created', 'fraud'], ['stage-changed', 'fraud']]);
    await registry.createModel('later');
    expect((await drained(source, first.next)).events.map(({ subject }) => subject.id)).toEqual(['later']);
    expect(source.id).toBe(registry.events({ types: ['model-created', 'stage-changed'], models: ['later', 'fraud', 'later'] }).id);
    expect(source.id).not.toBe(registry.events().id);
  });

  it('begin now where that is asked for, and oldest first over all models', async () => {
    let now = 5;
    const registry = new Registry({ storage: new MemoryStorage(), clock: { now: () => now, monotonic: () => now, setTimer: () => () => undefined } });
    const source = registry.events();
    await registry.createModel('z');
    const before = await source.now();
    expect(await source.poll(before)).toEqual({ events: [], next: before });
    for (const model of ['z', 'c', 'z']) {
      now++;
      await registry.createModel(model).catch(() => registry.updateModel(model, { description: String(now) }));
    }
    expect((await source.poll(before)).events.map(({ at, ref }) => [at, ref.id])).toEqual([[6, 'z'], [7, 'c'], [8, 'z']]);
  });

  it('let a busy model keep no other from its turn', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    for (const model of ['a', 'b']) await registry.createModel(model);
    const source = registry.events();
    let cursor: string | undefined = await source.now();
    await registry.updateModel('b', { description: 'x' });
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await registry.updateModel('a', { description: String(i) });
      const page = await source.poll(cursor, { limit: 1 });
      seen.push(...page.events.map(({ ref }) => ref.id));
      cursor = page.next;
    }
    expect(seen).toContain('b');
  });

  it('read only the models that changed', async () => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    for (let i = 0; i < 20; i++) await registry.createModel(`m${i}`);
    const read: string[] = [];
    const seen = new Proxy(storage, {
      get: (target, name) => {
        if (name === 'read') return (keys: string[], ...rest: []) => (read.push(...keys), target.read(keys, ...rest));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    const source = new Registry({ storage: seen }).events();
    const { next } = await drained(source);
    await registry.updateModel('m7', { description: 'x' });
    read.length = 0;
    await source.poll(next);
    expect(new Set(read)).toEqual(new Set(['registry/models/m7']));
  });

  it('of a damaged model hold up no other, and are told of and read on when it is mended', async () => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    for (const model of ['a', 'b']) await registry.createModel(model);
    const [whole] = await storage.read(['registry/models/a']);
    await storage.write([{ kind: 'put', key: 'registry/models/a', bytes: new Uint8Array([1]) }]);
    const source = registry.events();
    const first = await source.poll(undefined);
    expect(first.events.map(({ ref }) => ref.id)).toEqual(['b']);
    await expect(source.poll(first.next)).rejects.toMatchObject({ code: 'integrity' });
    await expect(source.now()).rejects.toMatchObject({ code: 'integrity' });
    await storage.write([{ kind: 'put', key: 'registry/models/a', bytes: whole!.bytes }]);
    expect((await source.poll(first.next)).events.map(({ ref }) => ref.id)).toEqual(['a']);
  });

  it('are not passed over where a copy lacks some in between', async () => {
    const [from, to] = [new MemoryStorage(), new MemoryStorage()];
    const registry = new Registry({ storage: from });
    await registry.createModel('a');
    for (let i = 0; i < 3; i++) await registry.updateModel('a', { description: String(i) });
    const key = 'registry/models/a';
    const [head] = await from.read([key]);
    const entries: Uint8Array[] = [];
    for await (const { bytes } of from.readLog(key)) entries.push(bytes);
    await to.write([{ kind: 'put', key, bytes: head!.bytes }]);
    await to.append(key, [entries[0]!, entries[2]!, entries[3]!]);
    const source = new Registry({ storage: to }).events();
    const first = await source.poll(undefined);
    expect(first.events.map(({ data }) => data.sequence)).toEqual([1]);
    await expect(source.poll(first.next)).rejects.toMatchObject({ code: 'integrity', details: { sequence: 2 } });
    await to.append(key, [entries[1]!]);
    expect((await source.poll(first.next)).events.map(({ data }) => data.sequence)).toEqual([2, 3, 4]);
  });

  it('go on where a store was put back to an earlier state', async () => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    await registry.createModel('a');
    const back = await registry.events().poll(JSON.stringify({ last: '', seen: { a: 9 } }));
    expect(back.events).toEqual([]);
    await registry.updateModel('a', { description: 'x' });
    expect((await registry.events().poll(back.next)).events.map(({ data }) => data.type)).toEqual(['model-updated']);
  });

  it('are found in the record when a crash kept them from the log', async () => {
    const path = directory();
    const storage = new FilesystemStorage(path);
    storage.append = () => Promise.reject(new Error('cut off'));
    const registry = new Registry({ storage });
    await registry.createModel('a');
    await registry.updateModel('a', { description: 'x' });
    const other = new FilesystemStorage(path);
    const { events } = await drained(new Registry({ storage: other }).events());
    expect(events.map(({ type }) => type)).toEqual(['model-created', 'model-updated']);
    for (const each of [storage, other]) await each.close();
  });

  it.each<[unknown, object | undefined, string]>([
    ['x', {}, 'after'],
    ['{"last":"","seen":{"a":-1}}', {}, 'after'],
    [undefined, { limit: 0 }, 'limit'],
  ])('refuse the cursor %j with %j', async (after, options, path) => {
    await expect(new Registry({ storage: new MemoryStorage() }).events().poll(after as string, options)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(path) });
  });

  it('end when their reader gives up', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    await registry.createModel('a');
    await expect(registry.events().poll(undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(() => registry.events({ models: [''] })).toThrow(expect.objectContaining({ code: 'validation' }));
  });
});
