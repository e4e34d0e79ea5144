import {
  collectGarbage,
  escapeSegment,
  isModelkeepError,
  MemoryStorage,
  replicate,
  StorageError,
  ValidationError,
  withPrefix,
  type ReplicateOptions,
  type ReplicationConflict,
  type ReplicationProgress,
  type StorageAdapter,
  type AppendOptions,
} from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { changeHead, readHistory, readHead } from '../../../src/storage/head-record.ts';
import { append, chunks, contentsOf, put, putWithBlob, remove, textAt } from './contents.ts';
import { ObservedStorage, type Call } from './observed-storage.ts';

async function pass(options: ReplicateOptions): Promise<readonly ReplicationConflict[]> {
  await using link = replicate(options);
  await link.settled();
  return link.conflicts();
}

/** Calls that read or wrote values, but for what a link keeps. */
function valueCalls({ calls }: ObservedStorage): Call[] {
  return calls.filter(({ method, keys }) => method !== 'list' && !keys.every((key) => key.startsWith('replication/')));
}

describe('what travels', () => {
  it('is all but what links, uploads and the collection of garbage keep for themselves', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await put(a, 'runs/1', 'run');
    await put(a, 'replication/x/y', 'private');
    await append(a, 'uploads/1', 'w', 'part');
    await a.writeBlob(chunks(utf8('not named')));
    expect((await collectGarbage(a)).marked).toBe(1);
    expect((await a.list({ prefix: '_garbage/' })).entries).not.toEqual([]);
    await append(a, 'runs/1', 'w', 'one');
    await pass({ from: a, to: b });
    expect(await contentsOf(b)).toEqual({ records: { 'runs/1': 'run' }, logs: { 'runs/1': { w: ['one'] } }, missingBlobs: [] });
  });

  it('is what begins with a prefix, and what is known of the rest stays', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    for (const key of ['a/1', 'b/1', 'c/1']) await put(a, key, key);
    for (const key of ['a/1', 'b/1', 'c/1']) await append(a, key, 'w', key);
    await pass({ from: a, to: b, id: 'x' });
    for (const key of ['a/1', 'b/1', 'c/1']) {
      await remove(a, key);
      await a.deleteLog(key);
    }
    await pass({ from: a, to: b, id: 'x', prefix: 'b/' });
    expect(Object.keys((await contentsOf(b)).records)).toEqual(['a/1', 'c/1']);
    expect(Object.keys((await contentsOf(b)).logs)).toEqual(['a/1', 'c/1']);
    await pass({ from: a, to: b, id: 'x' });
    expect(await contentsOf(b)).toEqual({ records: {}, logs: {}, missingBlobs: [] });
  });

  it('goes from view to view', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await put(a, 'team/runs/1', 'run');
    await pass({ from: withPrefix(a, 'team'), to: withPrefix(b, 'other/team') });
    expect((await contentsOf(b)).records['other/team/runs/1']).toBe('run');
    expect((await b.list({ prefix: 'replication/' })).entries).toEqual([]);
  });

  it('are blobs that records name, and all of them when asked', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await putWithBlob(a, 'runs/1', 'run', utf8('named'));
    await a.writeBlob(chunks(utf8('not named')));
    await pass({ from: a, to: b });
    expect((await b.list({ kind: 'blob' })).entries.map(({ key }) => key)).toEqual([digestOf('named')]);
    await pass({ from: a, to: b, blobs: 'all' });
    expect((await b.list({ kind: 'blob' })).entries.map(({ key }) => key).sort()).toEqual([digestOf('named'), digestOf('not named')].sort());
  });
});

describe('only what is new travels', () => {
  it('of 10,000 records the one that changed, and nothing is read when none did', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await a.write(Array.from({ length: 10_000 }, (_, i) => ({ kind: 'put', key: `runs/${i}`, bytes: utf8(`run ${i}`) })));
    await append(a, 'runs/1', 'w', 'one');
    await pass({ from: a, to: b });
    const [from, to] = [new ObservedStorage(a), new ObservedStorage(b)];
    await using link = replicate({ from, to });
    expect(await link.settled()).toEqual({ records: 0, deletions: 0, entries: 0, blobs: 0, bytes: 0, conflicts: 0 });
    expect([valueCalls(from), valueCalls(to)]).toEqual([[], []]);
    // What is known of 10,000 records is not read either: a summary is.
    expect(from.calls.filter(({ method }) => method === 'read').flatMap(({ keys }) => keys).length).toBeLessThan(5);
    from.calls.length = to.calls.length = 0;
    await put(a, 'runs/5000', 'changed');
    expect(await link.settled()).toMatchObject({ records: 1, bytes: 'changed'.length });
    expect(valueCalls(from).map(({ method, keys }) => [method, keys])).toEqual([['read', ['runs/5000']]]);
    expect(valueCalls(to).map(({ method, keys }) => [method, keys])).toEqual([['write', ['runs/5000']]]);
    expect(from.calls.reduce((sum, { method, bytes }) => sum + (method === 'write' ? bytes : 0), 0)).toBeLessThan(300_000);
  });

  it('of a log the entries that came since, though neither the link nor the process is the same', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await append(a, 'log', 'w', ...Array.from({ length: 5000 }, (_, i) => `point ${i}`));
    await pass({ from: a, to: b });
    await append(a, 'log', 'w', 'one more');
    const [from, to] = [new ObservedStorage(a), new ObservedStorage(b)];
    await pass({ from, to });
    expect(to.calls.filter(({ method }) => method === 'append').map(({ bytes }) => bytes)).toEqual(['one more'.length]);
    // The last few are read again, to see that it is the same log.
    expect(from.calls.find(({ method }) => method === 'readLog')!.bytes).toBeLessThan(500);
    expect(to.calls.some(({ method }) => method === 'readLog')).toBe(false);
  });

  it('a blob travels once, however many records name it', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const to = new ObservedStorage(b);
    for (let i = 0; i < 20; i++) await putWithBlob(a, `runs/${i}`, `run ${i}`, utf8('the weights'));
    await pass({ from: a, to });
    for (let i = 0; i < 20; i++) await putWithBlob(a, `runs/${i}`, `changed ${i}`, utf8('the weights'));
    await pass({ from: a, to });
    expect(to.calls.filter(({ method }) => method === 'writeBlob').length).toBe(1);
  });
});

describe('conflicts', () => {
  async function changedOnBothSides(): Promise<[MemoryStorage, MemoryStorage]> {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await put(a, 'k', 'first');
    await pass({ from: a, to: b });
    await put(a, 'k', 'here');
    await put(b, 'k', 'there');
    return [a, b];
  }

  it('are reported with both sides, once, and stay until both agree', async () => {
    const [a, b] = await changedOnBothSides();
    const told: ReplicationConflict[] = [];
    await using link = replicate({ from: a, to: b, onConflict: (conflict) => void told.push(conflict) });
    expect(await link.settled()).toMatchObject({ conflicts: 1 });
    await link.settled();
    expect(told).toEqual(link.conflicts());
    const [conflict] = link.conflicts();
    if (conflict?.kind !== 'record') throw new Error('no conflict of a record');
    expect([conflict.key, fromUtf8(conflict.source!.bytes), fromUtf8(conflict.target!.bytes)]).toEqual(['k', 'here', 'there']);
    expect(conflict.target!.version).toBe((await b.read(['k']))[0]!.version);
    expect(await textAt(b, 'k')).toBe('there');
    await put(a, 'k', 'there');
    expect(await link.settled()).toMatchObject({ conflicts: 0 });
    await put(a, 'k', 'goes on');
    expect(await link.settled()).toMatchObject({ conflicts: 0 });
    expect(await textAt(b, 'k')).toBe('goes on');
  });

  it('are decided for the source', async () => {
    const [a, b] = await changedOnBothSides();
    expect(await pass({ from: a, to: b, onConflict: () => 'overwrite' })).toEqual([]);
    expect(await textAt(b, 'k')).toBe('here');
  });

  it('are decided for the target, until the source changes again', async () => {
    const [a, b] = await changedOnBothSides();
    expect(await pass({ from: a, to: b, onConflict: () => 'keep-target' })).toEqual([]);
    expect(await pass({ from: a, to: b })).toEqual([]);
    expect(await textAt(b, 'k')).toBe('there');
    await put(a, 'k', 'again');
    expect((await pass({ from: a, to: b })).length).toBe(1);
    expect(await textAt(b, 'k')).toBe('there');
  });

  it('are decided by a merged record, blobs and all', async () => {
    const [a, b] = await changedOnBothSides();
    const { digest } = await a.writeBlob(chunks(utf8('weights')));
    const merge = (conflict: ReplicationConflict): { bytes: Uint8Array; blobs: [typeof digest] } => {
      if (conflict.kind !== 'record') throw new Error('not a record');
      return { bytes: utf8(`${fromUtf8(conflict.source!.bytes)} and ${fromUtf8(conflict.target!.bytes)}`), blobs: [digest] };
    };
    expect(await pass({ from: a, to: b, onConflict: merge })).toEqual([]);
    expect(await textAt(b, 'k')).toBe('here and there');
    expect((await contentsOf(b)).missingBlobs).toEqual([]);
    expect(await textAt(a, 'k')).toBe('here');
  });

  it('are a delete here and a change there, and the other way round, but not two deletes', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    for (const key of ['x', 'y', 'z']) await put(a, key, 'first');
    await pass({ from: a, to: b });
    await remove(a, 'x');
    await put(b, 'x', 'there');
    await put(a, 'y', 'here');
    await remove(b, 'y');
    await remove(a, 'z');
    await remove(b, 'z');
    const conflicts = await pass({ from: a, to: b });
    expect(conflicts.map((conflict) => [conflict.key, conflict.source === undefined, conflict.target === undefined])).toEqual([
      ['y', false, true],
      ['x', true, false],
    ]);
    expect(await pass({ from: a, to: b, onConflict: () => 'overwrite' })).toEqual([]);
    expect((await contentsOf(b)).records).toEqual({ y: 'here' });
  });

  it('are records that were there before the first contact, unless they say the same', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    for (const store of [a, b]) await put(store, 'same', 'text');
    await put(a, 'other', 'here');
    await put(b, 'other', 'there');
    await put(b, 'only-there', 'there');
    expect((await pass({ from: a, to: b })).map(({ key }) => key)).toEqual(['other']);
    expect((await contentsOf(b)).records).toEqual({ same: 'text', other: 'there', 'only-there': 'there' });
  });

  it('are other entries of a writer in the target, and the record of the log waits for it', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await append(a, 'k', 'w', 'one', 'two');
    await put(a, 'k', 'head');
    await append(b, 'k', 'w', 'uno', 'due');
    const conflicts = await pass({ from: a, to: b });
    expect(conflicts).toEqual([{ kind: 'log', key: 'k', reason: 'different', writer: 'w', source: { version: expect.any(String) as string, size: 6 }, target: { version: expect.any(String) as string, size: 6 } }]);
    expect(await contentsOf(b)).toEqual({ records: {}, logs: { k: { w: ['uno', 'due'] } }, missingBlobs: [] });
    expect(await pass({ from: a, to: b, onConflict: () => 'overwrite' })).toEqual([]);
    expect(await contentsOf(b)).toEqual(await contentsOf(a));
  });

  it('a listener that throws leaves the conflict, fails the pass and holds up nothing else', async () => {
    const [a, b] = await changedOnBothSides();
    await put(a, 'l', 'text');
    const link = replicate({
      from: a,
      to: b,
      onConflict: () => {
        throw new Error('no idea');
      },
    });
    await expect(link.settled()).rejects.toThrow('no idea');
    expect([await textAt(b, 'k'), await textAt(b, 'l')]).toEqual(['there', 'text']);
    await link.close();
  });

  it('a word that decides nothing is refused and told, and a listener that only takes note may give what it likes', async () => {
    const [a, b] = await changedOnBothSides();
    await using misspelt = replicate({ from: a, to: b, onConflict: () => 'overwite' as never });
    await expect(misspelt.settled()).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining("'overwrite'") as string });
    expect(await textAt(b, 'k')).toBe('there');
    const told: string[] = [];
    await using noting = replicate({ from: a, to: b, onConflict: ({ key }) => told.push(key) as never });
    expect((await noting.settled()).conflicts).toBe(1);
    expect([told, await textAt(b, 'k')]).toEqual([['k'], 'there']);
  });

  it('a merged record of anything but bytes is refused, and one for a log', async () => {
    const [a, b] = await changedOnBothSides();
    await append(a, 'log', 'w', 'one');
    await append(b, 'log', 'w', 'uno');
    await using link = replicate({ from: a, to: b, onConflict: () => ({ bytes: 'merged' as never }) });
    await expect(link.settled()).rejects.toMatchObject({ code: 'validation', details: { keys: ['k', 'log'] } });
    expect([await textAt(b, 'k'), (await contentsOf(b)).logs]).toEqual(['there', { log: { w: ['uno'] } }]);
  });
});

describe('logs', () => {
  it('keep their writers and numbers, and grow on both sides', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await append(a, 'log', 'v', 'v1', 'v2');
    await append(a, 'log', 'w', 'w1');
    await pass({ from: a, to: b });
    await append(b, 'log', 'there', 't1');
    await append(a, 'log', 'w', 'w2');
    await append(a, 'log', 'x', 'x1');
    expect(await pass({ from: a, to: b })).toEqual([]);
    await append(a, 'log', 'v', 'v3');
    expect(await pass({ from: a, to: b })).toEqual([]);
    expect((await contentsOf(b)).logs).toEqual({ log: { there: ['t1'], v: ['v1', 'v2', 'v3'], w: ['w1', 'w2'], x: ['x1'] } });
  });

  it('that are deleted here are deleted there, unless others appended to them there', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    for (const log of ['mine', 'shared']) await append(a, log, 'w', 'one');
    await pass({ from: a, to: b });
    await append(b, 'shared', 'there', 'kept');
    for (const log of ['mine', 'shared']) await a.deleteLog(log);
    const conflicts = await pass({ from: a, to: b });
    expect(conflicts).toMatchObject([{ kind: 'log', key: 'shared', reason: 'deleted-at-source', source: undefined }]);
    expect((await contentsOf(b)).logs).toEqual({ shared: { there: ['kept'], w: ['one'] } });
    expect(await pass({ from: a, to: b, onConflict: () => 'keep-target' })).toEqual([]);
    expect(await pass({ from: a, to: b })).toEqual([]);
    expect((await contentsOf(b)).logs).toEqual({ shared: { there: ['kept'], w: ['one'] } });
  });

  it('that are deleted and begun anew are so there, whatever their new entries', async () => {
    for (const anew of [['one', 'two', 'three', 'four'], ['one'], ['other'], Array.from({ length: 100 }, (_, i) => `other ${i}`)]) {
      const [a, b] = [new MemoryStorage(), new MemoryStorage()];
      await using link = replicate({ from: a, to: b });
      await append(a, 'log', 'w', 'one', 'two', 'three');
      await append(a, 'log', 'v', 'uno');
      await link.settled();
      await a.deleteLog('log');
      await append(a, 'log', 'w', ...anew);
      expect(await link.settled()).toMatchObject({ conflicts: 0 });
      expect(await contentsOf(b)).toEqual(await contentsOf(a));
    }
  });

  it('that are gone from the target are a conflict when the source goes on', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await append(a, 'log', 'w', 'one');
    await pass({ from: a, to: b });
    await b.deleteLog('log');
    expect(await pass({ from: a, to: b })).toEqual([]);
    await append(a, 'log', 'w', 'two');
    expect(await pass({ from: a, to: b })).toMatchObject([{ kind: 'log', reason: 'deleted-at-target', target: undefined }]);
    expect(await pass({ from: a, to: b, onConflict: () => 'overwrite' })).toEqual([]);
    expect((await contentsOf(b)).logs).toEqual({ log: { w: ['one', 'two'] } });
  });

  it('arrive though the target remembers the appends to a log that was deleted since', async () => {
    /** Recognises a repeated append whatever became of the log. */
    class LongMemory extends ObservedStorage {
      readonly names = new Map<string, string>();
      override async append(log: string, entries: readonly Uint8Array[], options: AppendOptions = {}): Promise<string> {
        const position = this.names.get(options.operationId!) ?? (await super.append(log, entries, options));
        this.names.set(options.operationId!, position);
        return position;
      }
    }
    const a = new MemoryStorage();
    const b = new LongMemory(new MemoryStorage());
    await append(a, 'log', 'w', 'one', 'two');
    await pass({ from: a, to: b, id: 'first' });
    await b.deleteLog('log');
    expect(await pass({ from: a, to: b, id: 'second' })).toEqual([]);
    expect((await contentsOf(b)).logs).toEqual({ log: { w: ['one', 'two'] } });
  });

  it.each([
    ['the link that planned it comes late, while others append to the target', 'x', 'yz'],
    ['another link brings them under another name at the same time', 'y', ''],
  ])('are appended once though %s', async (_title, otherId, foreign) => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await append(a, 'log', 'w', 'A', 'B');
    let isPlanned = (): void => undefined;
    const planned = new Promise<void>((resolve) => (isPlanned = resolve));
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    let isLate = (): void => undefined;
    const late = new Promise<void>((resolve) => (isLate = resolve));
    const hang = async ({ method }: Call): Promise<void> => {
      if (method !== 'append') return;
      isPlanned();
      await gone;
    };
    await using slow = replicate({ from: a, to: new ObservedStorage(b, { before: hang, after: ({ method }) => void (method === 'append' && isLate()) }), id: 'x' });
    await planned;
    await append(a, 'log', 'w', 'C', 'D');
    let first = true;
    const meanwhile = async ({ method }: Call): Promise<void> => {
      if (method !== 'append' || !first) return;
      first = false;
      go();
      await late;
      // As many bytes as make up for those that would be missing.
      if (foreign !== '') await append(b, 'log', 'there', foreign);
    };
    await using fast = replicate({ from: a, to: new ObservedStorage(b, { before: meanwhile }), id: otherId });
    await fast.settled();
    if (otherId === 'x') for (const link of [slow, fast]) await link.settled();
    expect((await contentsOf(b)).logs).toEqual({ log: { ...(foreign !== '' && { there: [foreign] }), w: ['A', 'B', 'C', 'D'] } });
  });

  it('that are gone stay gone, though a link appends to one that another saw deleted', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await append(a, 'log', 'w', 'one');
    let isPlanned = (): void => undefined;
    const planned = new Promise<void>((resolve) => (isPlanned = resolve));
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    const hang = async ({ method }: Call): Promise<void> => {
      if (method !== 'append') return;
      isPlanned();
      await gone;
    };
    await using slow = replicate({ from: a, to: new ObservedStorage(b, { before: hang }), id: 'x' });
    await planned;
    await a.deleteLog('log');
    await pass({ from: a, to: b, id: 'x' });
    go();
    expect(await slow.settled()).toMatchObject({ conflicts: 0 });
    expect((await contentsOf(b)).logs).toEqual({});
  });

  it('may have writers of any name', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    for (const writer of ['constructor', '__proto__', 'w']) await append(a, 'log', writer, `by ${writer}`);
    await pass({ from: a, to: b });
    for (const writer of ['constructor', '__proto__']) await append(a, 'log', writer, `again by ${writer}`);
    await pass({ from: a, to: b });
    const entries = async (storage: StorageAdapter): Promise<string[]> => {
      const texts: string[] = [];
      for await (const { writer, sequence, bytes } of storage.readLog('log')) texts.push(`${writer} ${sequence} ${fromUtf8(bytes)}`);
      return texts.sort();
    };
    expect(await entries(b)).toEqual(await entries(a));
  });
});

describe('two links in opposite directions', () => {
  it('keep two stores alike, and come to rest', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const [observedA, observedB] = [new ObservedStorage(a), new ObservedStorage(b)];
    await using there = replicate({ from: observedA, to: observedB, id: 'there' });
    await using back = replicate({ from: observedB, to: observedA, id: 'back' });
    for (let round = 0; round < 5; round++) {
      await put(a, `a/${round}`, `a ${round}`);
      await put(b, `b/${round}`, `b ${round}`);
      await put(round % 2 === 0 ? a : b, 'shared', `round ${round}`);
      await append(a, 'log', 'a', `a ${round}`);
      await append(b, 'log', 'b', `b ${round}`);
      if (round === 3) await remove(b, 'a/1');
      for (const link of [there, back, there]) expect(await link.settled()).toMatchObject({ conflicts: 0 });
      expect(await contentsOf(b)).toEqual(await contentsOf(a));
    }
    expect((await contentsOf(a)).logs['log']).toEqual({ a: [0, 1, 2, 3, 4].map((i) => `a ${i}`), b: [0, 1, 2, 3, 4].map((i) => `b ${i}`) });
    for (const link of [back, there, back]) await link.settled();
    observedA.calls.length = observedB.calls.length = 0;
    for (const link of [back, there, back]) await link.settled();
    expect([...valueCalls(observedA), ...valueCalls(observedB)]).toEqual([]);
  });

  it('come to rest after a decision too, whichever it was', async () => {
    for (const decision of ['overwrite', 'keep-target', { bytes: utf8('merged') }] as const) {
      const [a, b] = [new MemoryStorage(), new MemoryStorage()];
      await put(a, 'k', 'here');
      await put(b, 'k', 'there');
      await using there = replicate({ from: a, to: b, id: 'there', onConflict: () => decision });
      await using back = replicate({ from: b, to: a, id: 'back', onConflict: () => 'overwrite' });
      for (const link of [there, back, there, back]) await link.settled();
      expect(await textAt(a, 'k')).toBe(await textAt(b, 'k'));
      const versions = [(await a.read(['k']))[0]!.version, (await b.read(['k']))[0]!.version];
      for (const link of [there, back, there, back]) expect(await link.settled()).toMatchObject({ conflicts: 0 });
      expect([(await a.read(['k']))[0]!.version, (await b.read(['k']))[0]!.version]).toEqual(versions);
    }
  });
});

describe('what cannot travel', () => {
  it('does not hold up the rest: a record too large, a blob that is nowhere, a key that is refused', async () => {
    const a = new MemoryStorage();
    const inner = new MemoryStorage();
    const refuse = ({ method, keys, bytes }: Call): void => {
      if (method === 'write' && keys.includes('models/guarded')) throw new StorageError('forbidden', 'Not you.');
      if (method === 'write' && bytes > 1000 && keys.includes('models/large')) throw new ValidationError('Too large.');
    };
    const b = new ObservedStorage(inner, { before: refuse });
    await put(a, 'models/guarded', 'head');
    for (let i = 0; i < 10; i++) await put(a, `models/${i}`, `model ${i}`);
    await put(a, 'models/large', 'x'.repeat(1001));
    await a.write([{ kind: 'put', key: 'models/dangling', bytes: utf8('text'), blobs: [digestOf('nowhere')] }]);
    await using link = replicate({ from: a, to: b });
    const failure: unknown = await link.settled().catch((error: unknown) => error);
    expect(isModelkeepError(failure) && failure.details['keys']).toEqual(['models/dangling', 'models/guarded', 'models/large']);
    await remove(a, 'models/guarded');
    expect(Object.keys((await contentsOf(inner)).records).length).toBe(10);
    await put(a, 'models/large', 'small');
    await put(a, 'models/dangling', 'text');
    expect(await link.settled()).toMatchObject({ records: 12 });
  });
});

describe('a target in the place of another', () => {
  it('gets all, though the link knows another of that name', async () => {
    const [a, first, second] = [new MemoryStorage(), new MemoryStorage(), new MemoryStorage()];
    await put(a, 'k', 'text');
    await append(a, 'log', 'w', 'one');
    for (const to of [first, second, first]) {
      await pass({ from: a, to });
      expect(await contentsOf(to)).toEqual(await contentsOf(a));
    }
  });

  it('is not emptied by a source that was', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await put(a, 'k', 'text');
    await pass({ from: a, to: b });
    await pass({ from: new MemoryStorage(), to: b });
    expect(await textAt(b, 'k')).toBe('text');
  });
});

describe('readers of the target', () => {
  it('never miss an event of a head record, nor a blob that a record names', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const keys = ['models/one', escapeSegment('models/two')];
    let next = 0;
    const change = async (): Promise<void> => {
      const key = keys[next++ % keys.length]!;
      const { digest } = await a.writeBlob(chunks(utf8(`weights ${next}`)));
      const event = { type: 'changed', subject: { kind: 'model', id: key }, data: next } as const;
      await changeHead<{ events: number; digest: string }>({ storage: a, key, blobs: (state: { digest: typeof digest }) => [state.digest] as const }, (state) => ({
        state: { events: (state?.events ?? 0) + 1, digest },
        events: [event],
      }));
    };
    const look = async (): Promise<void> => {
      for (const key of keys) {
        const state = await readHead<{ events: number }>({ storage: b, key });
        const history = await readHistory({ storage: b, key });
        expect(history.length).toBeGreaterThanOrEqual(state?.events ?? 0);
        expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, i) => i + 1));
      }
      expect((await contentsOf(b)).missingBlobs).toEqual([]);
    };
    // The source changes at every other step of the link, and a reader looks at the target after each.
    let steps = 0;
    let changes = true;
    const onSource = { before: async () => (changes && steps++ % 3 === 0 ? change() : undefined) };
    await using link = replicate({ from: new ObservedStorage(a, onSource), to: new ObservedStorage(b, { after: look }) });
    for (let i = 0; i < 8; i++) await link.settled();
    changes = false;
    await link.settled();
    expect(next).toBeGreaterThan(40);
    for (const key of keys) expect(await readHistory({ storage: b, key })).toEqual(await readHistory({ storage: a, key }));
  });
});

describe('progress and large values', () => {
  it('streams blobs, and tells how far it is', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const large = new Uint8Array(5 << 20).map((_, i) => (i * 7) ^ (i >> 8));
    await putWithBlob(a, 'models/1', 'model', large);
    await append(a, 'metrics', 'w', 'one', 'two');
    const told: ReplicationProgress[] = [];
    await using link = replicate({ from: a, to: b, onProgress: (progress) => void told.push(progress) });
    const counts = await link.settled();
    expect(counts).toEqual({ records: 1, deletions: 0, entries: 2, blobs: 1, bytes: large.length + 5 + 6, conflicts: 0 });
    expect(told.length).toBeGreaterThan(10);
    expect(told.map(({ bytes }) => bytes)).toEqual(told.map(({ bytes }) => bytes).sort((p, q) => p - q));
    expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['records', 'logs']));
    expect(told.at(-1)).toMatchObject(counts);
    expect((await contentsOf(b)).missingBlobs).toEqual([]);
  });
});

describe('options', () => {
  it.each([
    [{ interval: 0 }, 'interval'],
    [{ id: 'not a segment' }, 'id'],
    [{ prefix: 'replication/' }, 'prefix'],
    [{ blobs: 'some' }, 'blobs'],
    [{ livve: true }, 'options'],
  ])('refuses %j', (options, path) => {
    expect(() => replicate({ from: new MemoryStorage(), to: new MemoryStorage(), ...(options as object) })).toThrow(path);
  });

  it('refuses one store in both places', () => {
    const a = new MemoryStorage();
    expect(() => replicate({ from: a, to: a })).toThrow('same store');
  });
});
