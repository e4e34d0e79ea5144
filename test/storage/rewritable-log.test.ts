import fc from 'fast-check';
import { MemoryStorage, rewritableLog, type LogEntry, type RewritableLog, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { generationKey, generationOf, readPointer } from '../../src/storage/log-generations.ts';
import { listAll } from '../../src/storage/records.ts';
import { interleavedStorage, type Actor } from './interleaved-storage.ts';
import { SimulatedTime } from './simulated-time.ts';

const text = (entry: LogEntry): string => fromUtf8(entry.bytes);

async function textsOf(log: RewritableLog): Promise<string[]> {
  const texts: string[] = [];
  for await (const entry of log.read()) texts.push(text(entry));
  return texts;
}

async function logsOf(storage: StorageAdapter): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listAll(storage, { kind: 'log' })) keys.push(key);
  return keys;
}

/** A view of a store in which something happens just before or after an append, or an answer is lost. */
class MeddledStorage extends MemoryStorage {
  beforeAppend: (() => Promise<void>) | undefined;
  afterAppend: (() => Promise<void>) | undefined;
  lost: { readonly takesEffect: boolean } | undefined;

  constructor(storage: StorageAdapter) {
    super();
    for (const method of ['read', 'write', 'list', 'deleteLog'] as const) this[method] = storage[method].bind(storage) as never;
    this.readLog = storage.readLog.bind(storage) as never;
    this.append = async (...args) => {
      await this.beforeAppend?.();
      const { lost } = this;
      this.lost = undefined;
      const position = lost?.takesEffect === false ? '' : await storage.append(...args);
      if (lost) throw new Error('The answer was lost.');
      await this.afterAppend?.();
      return position;
    };
  }
}

describe('a rewritable log', () => {
  it('takes over a log as it is, and keeps no log with what was taken out', async () => {
    const storage = new MemoryStorage();
    await storage.append('visits', ['anna 1', 'bert 1', 'anna 2'].map(utf8), { writer: 'old' });
    const log = rewritableLog(storage, 'visits');
    await log.append(['bert 2', 'anna 3'].map(utf8));
    expect(await log.rewrite((entry) => !text(entry).startsWith('anna'))).toEqual({ kept: 2, changed: 0, dropped: 3 });
    expect((await textsOf(log)).sort()).toEqual(['bert 1', 'bert 2']);
    await log.append([utf8('bert 3')]);
    expect((await textsOf(rewritableLog(storage, 'visits'))).sort()).toEqual(['bert 1', 'bert 2', 'bert 3']);
    const pointer = await readPointer(storage, 'visits', {});
    expect(await logsOf(storage)).toEqual([generationKey('visits', pointer!.value.current)]);
  });

  it('changes entries, keeps the order and the names of their writers, and can be rewritten again', async () => {
    const storage = new MemoryStorage();
    for (const writer of ['b', 'a', 'b']) await storage.append('log', ['1', '2', '3'].map(utf8), { writer });
    const log = rewritableLog(storage, 'log');
    expect(await log.rewrite((entry) => (text(entry) === '2' ? utf8('two') : text(entry) !== '1'))).toEqual({ kept: 3, changed: 3, dropped: 3 });
    expect(await log.rewrite((entry) => text(entry) !== 'two')).toEqual({ kept: 3, changed: 0, dropped: 3 });
    const entries: unknown[] = [];
    for await (const entry of log.read()) entries.push([entry.writer, entry.sequence, text(entry)]);
    expect(entries).toEqual(expect.arrayContaining([['a', 1, '3'], ['b', 1, '3'], ['b', 2, '3']]));
    expect(entries).toHaveLength(3);
  });

  it('leaves everything as it was when there is nothing to take out', async () => {
    const storage = new MemoryStorage();
    await storage.append('log', ['1', '2'].map(utf8), { writer: 'w' });
    expect(await rewritableLog(storage, 'log').rewrite(() => true)).toEqual({ kept: 2, changed: 0, dropped: 0 });
    expect(await logsOf(storage)).toEqual(['log']);
    expect(await rewritableLog(storage, 'none').rewrite(() => false)).toEqual({ kept: 0, changed: 0, dropped: 0 });
  });

  it('takes back what it began when keep fails or gives no answer, or its caller gives up', async () => {
    const storage = new MemoryStorage();
    await storage.append('log', ['1', '2'].map(utf8), { writer: 'w' });
    const log = rewritableLog(storage, 'log');
    const answers: [(entry: LogEntry) => boolean, object][] = [
      [() => { throw new RangeError('no'); }, { name: 'RangeError' }],
      [(async () => true) as never, { code: 'validation', details: { path: 'keep', key: 'log' } }],
    ];
    for (const [keep, error] of answers) await expect(log.rewrite(keep)).rejects.toMatchObject(error);
    const controller = new AbortController();
    await expect(log.rewrite(() => (controller.abort(), false), { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(await logsOf(storage)).toEqual(['log']);
    expect((await readPointer(storage, 'log', {}))?.value).toEqual({ current: '', carried: 0, superseded: [] });
    expect(await log.rewrite((entry) => text(entry) === '1')).toMatchObject({ dropped: 1 });
  });

  it('tells readers that what they have read no longer counts', async () => {
    const storage = new MemoryStorage();
    const log = rewritableLog(storage, 'log');
    await log.append(['1', '2', '3'].map(utf8));
    const positions: string[] = [];
    for await (const { position } of log.read()) positions.push(position);
    await log.append([utf8('4')]);
    const rest: string[] = [];
    for await (const entry of log.read({ after: positions.at(-1) })) rest.push(text(entry));
    expect(rest).toEqual(['4']);

    await log.rewrite((entry) => text(entry) !== '1');
    const conflict = { code: 'conflict', details: { key: 'log' } };
    await expect(log.read({ after: positions.at(-1) })[Symbol.asyncIterator]().next()).rejects.toMatchObject(conflict);
    const midway = async (): Promise<void> => {
      for await (const entry of log.read()) if (text(entry) === '2') await log.rewrite((each) => text(each) !== '2');
    };
    await expect(midway()).rejects.toMatchObject(conflict);
    const again: string[] = [];
    let last = '';
    for await (const entry of log.read()) {
      again.push(text(entry));
      last = entry.position;
    }
    expect(again).toEqual(['3', '4']);
    await log.append([utf8('5')]);
    for await (const entry of log.read({ after: last })) expect(text(entry)).toBe('5');
  });

  it('sends appends that wait together as one, and refuses a bad entry alone', async () => {
    const storage = new MemoryStorage();
    let appends = 0;
    const append = storage.append.bind(storage);
    storage.append = (...args) => (appends++, append(...args));
    const log = rewritableLog(storage, 'log');
    const outcomes = await Promise.allSettled([...Array.from({ length: 50 }, (_, i) => log.append([utf8(String(i))])), log.append(['text' as never])]);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await textsOf(log)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
    expect(appends).toBe(2);
  });

  it('lets an append that comes after the old log was deleted go to the new one, and brings none to life again', async () => {
    const storage = new MemoryStorage();
    await storage.append('log', ['1', 'x'].map(utf8), { writer: 'w' });
    const rewriter = rewritableLog(storage, 'log');
    const slow = new MeddledStorage(storage);
    slow.beforeAppend = async () => {
      slow.beforeAppend = undefined;
      await rewriter.rewrite((entry) => text(entry) !== 'x');
    };
    await rewritableLog(slow, 'log').append(['2', '3'].map(utf8));
    expect(await textsOf(rewriter)).toEqual(['1', '2', '3']);
    expect(await logsOf(storage)).toEqual([generationKey('log', (await readPointer(storage, 'log', {}))!.value.current)]);
  });

  it.each([true, false])('counts right after an append whose answer was lost (had it taken effect: %s)', async (takesEffect) => {
    const storage = new MemoryStorage();
    const rewriter = rewritableLog(storage, 'log');
    const meddled = new MeddledStorage(storage);
    const log = rewritableLog(meddled, 'log');
    await log.append([utf8('1')]);
    meddled.lost = { takesEffect };
    await expect(log.append([utf8('2')])).rejects.toThrow('lost');
    // This one finds the log rewritten before and behind it; only the count says that it was not carried over.
    meddled.beforeAppend = async () => {
      meddled.beforeAppend = undefined;
      await storage.append('log', [utf8('x')], { writer: 'other' });
      await rewriter.rewrite((entry) => text(entry) !== 'x');
    };
    await log.append([utf8('3')]);
    // And this one is carried over before its writer looks.
    meddled.afterAppend = async () => {
      meddled.afterAppend = undefined;
      await rewriter.rewrite((entry) => text(entry) !== '1');
    };
    await log.append([utf8('4')]);
    expect((await textsOf(rewriter)).sort()).toEqual(takesEffect ? ['2', '3', '4'] : ['3', '4']);
  });

  it('breaks a seal that a dead process left, and loses nothing by it', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedTime();
    await storage.append('log', ['1', 'x'].map(utf8), { writer: 'w' });
    let writes = 0;
    const dying = Object.assign(Object.create(storage) as StorageAdapter, {
      read: storage.read.bind(storage),
      append: storage.append.bind(storage),
      deleteLog: storage.deleteLog.bind(storage),
      readLog: storage.readLog.bind(storage),
      // The pointer is announced, sealed, and never swung.
      write: (...args: Parameters<StorageAdapter['write']>) => (++writes > 2 ? Promise.reject(new Error('dead')) : storage.write(...args)),
    });
    await expect(rewritableLog(dying, 'log', { clock }).rewrite((entry) => text(entry) !== 'x')).rejects.toThrow('dead');
    expect((await readPointer(storage, 'log', {}))?.value.rewriting?.sealed).toBe(true);
    const start = clock.time;
    const log = rewritableLog(storage, 'log', { clock });
    await log.append([utf8('2')]);
    expect(clock.time - start).toBeGreaterThanOrEqual(5000);
    expect((await textsOf(log)).sort()).toEqual(['1', '2', 'x']);
    expect(await logsOf(storage)).toEqual(['log']);
  });
});

describe('a rewritable log in the hands of several processes', () => {
  const fate = (calls: number): fc.Arbitrary<Omit<Actor, 'name'>> =>
    fc.record({ failsAt: fc.option(fc.integer({ min: 1, max: calls }), { nil: undefined }), takesEffect: fc.boolean(), dies: fc.boolean() });
  const actors = fc.record({
    writers: fc.array(fc.record({ appends: fc.integer({ min: 1, max: 4 }), fate: fate(25) }), { minLength: 1, maxLength: 3 }),
    rewriters: fc.array(fc.record({ drop: fc.constantFrom('a', 'b'), fate: fate(40) }), { minLength: 1, maxLength: 2 }),
  });

  it('keeps what was acknowledged once, and takes out what it should, at every interleaving and whoever dies when', async () => {
    await fc.assert(
      fc.asyncProperty(actors, fc.scheduler(), async ({ writers, rewriters }, scheduler) => {
        const storage = new MemoryStorage();
        const clock = new SimulatedTime();
        const open = (name: string, fate: Omit<Actor, 'name'>): RewritableLog =>
          rewritableLog(interleavedStorage(storage, scheduler, { name, ...fate }), 'log', { clock, random: () => 0.5 });
        await storage.append('log', ['a early', 'b early', 'c early'].map(utf8), { writer: 'early' });
        const acknowledged: string[] = ['a early', 'b early', 'c early'];
        const attempted: string[] = [...acknowledged];
        const erased = new Set<string>();
        const work = [
          ...writers.map(async ({ appends, fate }, w) => {
            const log = open(`writer ${w}`, fate);
            for (let i = 0; i < appends; i++) {
              const entries = ['a', 'c'].map((kind) => `${kind} ${w}.${i}`);
              attempted.push(...entries);
              await log.append(entries.map(utf8)).then(() => acknowledged.push(...entries), () => undefined);
            }
          }),
          ...rewriters.map(async ({ drop, fate }, r) => {
            const log = open(`rewriter ${r}`, fate);
            const before = [...acknowledged];
            await log.rewrite((entry) => !text(entry).startsWith(drop)).then(() => before.filter((entry) => entry.startsWith(drop)).forEach((entry) => erased.add(entry)), () => undefined);
          }),
        ];
        await scheduler.waitFor(Promise.all(work));

        const log = rewritableLog(storage, 'log', { clock });
        const texts = await textsOf(log);
        // Nothing twice, nothing from nowhere, nothing lost but what a rewriter was to take out, and nothing left of what one has taken out.
        expect(new Set(texts).size).toBe(texts.length);
        expect(texts.filter((entry) => !attempted.includes(entry))).toEqual([]);
        const dropped = new Set(rewriters.map(({ drop }) => drop));
        expect(acknowledged.filter((entry) => !texts.includes(entry) && !dropped.has(entry[0] as 'a'))).toEqual([]);
        expect(texts.filter((entry) => erased.has(entry))).toEqual([]);
        const whole = [...writers, ...rewriters].every((actor) => actor.fate.failsAt === undefined);
        const pointer = await readPointer(storage, 'log', {});
        if (whole) expect(await logsOf(storage)).toEqual([generationKey('log', pointer!.value.current)]);
        // What is written now stays, and one more rewriting leaves one log, with what it keeps, whatever the dead have left.
        await log.append([utf8('c late'), utf8('z late')]);
        await log.rewrite((entry) => text(entry).startsWith('c'));
        const last = await textsOf(log);
        expect([...acknowledged, 'c late'].filter((entry) => entry.startsWith('c') && !last.includes(entry))).toEqual([]);
        expect(last.filter((entry) => !entry.startsWith('c'))).toEqual([]);
        const mentioned = new Set([pointer?.value.current, ...(pointer?.value.superseded ?? []).map(({ generation }) => generation)]);
        expect((await logsOf(storage)).filter((key) => mentioned.has(generationOf(key).generation))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
