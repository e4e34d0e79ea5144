import { isModelkeepError, MemoryStorage, Pipeline, type StepLogLine } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import '../../../src/pipelines/logs/read-step-logs.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { BoundedLines } from '../../../src/pipelines/logs/step-log-lines.ts';
import { ManualClock, settled } from '../manual-clock.ts';

const begin = Date.UTC(2026, 0, 1);

async function linesOf(lines: AsyncIterable<StepLogLine>): Promise<StepLogLine[]> {
  const found: StepLogLine[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

describe('the log of a step', () => {
  it('has the lines of each attempt with their time and level', async () => {
    const clock = new ManualClock(begin);
    const pipeline = new Pipeline({ name: 'logged', storage: new MemoryStorage(), clock });
    const train = pipeline.step('train', { retries: { limit: 1, backoff: 0 } }, ({ log, run }) => {
      log.info('begin');
      clock.jump(10);
      log.debug('half\ndone');
      if (run.attempt === 1) throw new Error('again');
      log.error(7 as never);
    });
    pipeline.step('other', { after: [train] }, ({ log }) => log.warn('\ud800 odd'));
    const running = pipeline.run();
    await clock.advance(1000);
    const { id } = await running;
    const lines = await linesOf(pipeline.logs(id, { step: 'train' }));
    expect(lines).toEqual([
      { at: begin, level: 'info', text: 'begin', attempt: 1 },
      { at: begin + 10, level: 'debug', text: 'half\ndone', attempt: 1 },
      { at: begin + 10, level: 'info', text: 'begin', attempt: 2 },
      { at: begin + 20, level: 'debug', text: 'half\ndone', attempt: 2 },
      { at: begin + 20, level: 'error', text: '7', attempt: 2 },
    ]);
    expect(await linesOf(pipeline.logs(id, { step: 'train', attempt: 2, level: 'info' }))).toEqual([lines[2], lines[4]]);
    expect((await linesOf(pipeline.logs(id, { step: 'other' }))).map(({ text }) => text)).toEqual(['\ufffd odd']);
  });

  it('is read in pages that go on with what comes later', async () => {
    const pipeline = new Pipeline({ name: 'paged', storage: new MemoryStorage() });
    let broken = true;
    pipeline.step('train', {}, ({ log }) => {
      for (let i = 0; i < 25; i++) log.info(`${broken ? 'first' : 'second'} ${i}`);
      if (broken) throw new Error('no');
    });
    const { id } = await pipeline.run();
    const seen: string[] = [];
    let page = await pipeline.listLogs(id, { step: 'train', limit: 10 });
    for (; !page.complete; page = await pipeline.listLogs(id, { step: 'train', limit: 10, after: page.next })) seen.push(...page.items.map(({ text }) => text));
    seen.push(...page.items.map(({ text }) => text));
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `first ${i}`));
    broken = false;
    const end = page.next;
    await pipeline.resume(id);
    const later = await pipeline.listLogs(id, { step: 'train', after: end });
    expect(later).toMatchObject({ complete: true });
    expect(later.items.map(({ text }) => text)).toEqual(Array.from({ length: 25 }, (_, i) => `second ${i}`));
  });

  it('has a page go on inside an entry though another process has logged meanwhile', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'two', storage });
    pipeline.step('train', {}, ({ log }) => ['a', 'b', 'c'].forEach((text) => log.info(text)));
    const { id } = await pipeline.run();
    const first = await pipeline.listLogs(id, { step: 'train', limit: 2 });
    // A writer whose name comes before or after; either way nothing is skipped or repeated.
    const key = `pipelines/two/logs/${id}/train`;
    for await (const { bytes } of storage.readLog(key)) {
      const entry = decode(bytes, key) as object;
      for (const writer of ['0', 'zz']) await storage.append(key, [encode({ ...entry, lines: [{ at: 1, level: 'info', text: writer }] })], { writer });
      break;
    }
    const second = await pipeline.listLogs(id, { step: 'train', limit: 100, after: first.next });
    expect([...first.items, ...second.items].map(({ text }) => text).sort()).toEqual(['0', 'a', 'b', 'c', 'zz']);
  });

  it('is followed while the step runs, to its end', async () => {
    const clock = new ManualClock(begin);
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'followed', storage, clock });
    let say!: (text: string) => void;
    let finish!: () => void;
    pipeline.step('train', {}, ({ log }) => {
      say = (text) => log.info(text);
      return new Promise<void>((resolve) => (finish = resolve));
    });
    let id = '';
    const running = pipeline.run({ onEvent: (event) => (id = event.run) });
    await settled();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { text } of pipeline.logs(id, { step: 'train', follow: true })) seen.push(text);
    })();
    say('one');
    await clock.advance(2000);
    expect(seen).toEqual(['one']);
    say('two');
    say('three');
    await clock.advance(2000);
    expect(seen).toEqual(['one', 'two', 'three']);
    say('last');
    finish();
    await running;
    await clock.advance(2000);
    await following;
    expect(seen).toEqual(['one', 'two', 'three', 'last']);
  });

  it('can be given up while it is followed', async () => {
    const clock = new ManualClock(begin);
    const pipeline = new Pipeline({ name: 'given-up', storage: new MemoryStorage(), clock, grace: 0 });
    const stop = new AbortController();
    pipeline.step('train', {}, ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(1))));
    let id = '';
    const running = pipeline.run({ onEvent: (event) => (id = event.run), signal: stop.signal });
    await settled();
    const reader = new AbortController();
    const following = linesOf(pipeline.logs(id, { step: 'train', follow: true, signal: reader.signal })).catch((error: unknown) => error);
    await clock.advance(100);
    reader.abort();
    await clock.advance(100);
    expect(isModelkeepError(await following, 'aborted')).toBe(true);
    stop.abort();
    await clock.advance(1);
    await running;
  });

  it('is written by few appends, not one for each line', async () => {
    const storage = new MemoryStorage();
    let appends = 0;
    const counting = new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'append') return (...args: Parameters<MemoryStorage['append']>) => (args[0].includes('/logs/') && appends++, target.append(...args));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const pipeline = new Pipeline({ name: 'batched', storage: counting });
    pipeline.step('silent', {}, () => undefined);
    pipeline.step('train', {}, ({ log }) => {
      for (let i = 0; i < 1000; i++) log.info(`line ${i}`);
    });
    const { id } = await pipeline.run();
    expect(await linesOf(pipeline.logs(id, { step: 'train' }))).toHaveLength(1000);
    expect(await linesOf(pipeline.logs(id, { step: 'silent', follow: true }))).toEqual([]);
    expect(appends).toBe(1);
  });

  it('is bounded: of a step that logs without end the first and the last lines are kept, and the others counted', async () => {
    const pipeline = new Pipeline({ name: 'endless', storage: new MemoryStorage(), logCharacters: 10_000 });
    pipeline.step('train', {}, ({ log }) => {
      for (let i = 0; i < 100_000; i++) log.info(`line ${String(i).padStart(63, '0')}`);
    });
    const { id } = await pipeline.run();
    const lines = await linesOf(pipeline.logs(id, { step: 'train' }));
    const numbers = lines.map(({ text }) => Number(text.slice(5)));
    const gap = lines.findIndex(({ dropped }) => dropped !== undefined);
    expect(numbers.slice(0, gap)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(numbers.slice(gap)).toEqual(Array.from({ length: 50 }, (_, i) => 99_950 + i));
    expect(lines.filter(({ dropped }) => dropped !== undefined)).toHaveLength(1);
    expect(lines[gap]!.dropped).toBe(100_000 - 100);
  });

  it('cuts a line that is too long, and keeps one that is longer than the bound alone', async () => {
    const pipeline = new Pipeline({ name: 'long', storage: new MemoryStorage(), logCharacters: 1000 });
    pipeline.step('train', {}, ({ log }) => {
      log.info('x'.repeat(20_000));
      log.info('y'.repeat(600));
    });
    const { id } = await pipeline.run();
    const lines = await linesOf(pipeline.logs(id, { step: 'train' }));
    expect(lines).toMatchObject([{ text: 'y'.repeat(600), dropped: 1 }]);
  });

  it('harms no run when the storage does not take it', async () => {
    const errors: unknown[] = [];
    const storage = new MemoryStorage();
    const failing = new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'append') return (...args: Parameters<MemoryStorage['append']>) => (args[0].includes('/logs/') ? Promise.reject(new Error('disk full')) : target.append(...args));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const pipeline = new Pipeline({ name: 'failing', storage: failing, onError: (error) => errors.push(error) });
    const train = pipeline.step('train', {}, ({ log }) => {
      log.info('lost');
      return 1;
    });
    const result = await pipeline.run();
    expect(result.output(train)).toBe(1);
    expect(errors).toMatchObject([{ message: 'disk full' }]);
  });

  it('has a line once though the answer to its write was lost', async () => {
    const clock = new ManualClock(begin);
    const storage = new MemoryStorage();
    let lose = true;
    const losing = new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'append') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return async (...args: Parameters<MemoryStorage['append']>) => {
          const position = await target.append(...args);
          if (args[0].includes('/logs/') && lose) {
            lose = false;
            throw new Error('connection reset');
          }
          return position;
        };
      },
    });
    const errors: unknown[] = [];
    const pipeline = new Pipeline({ name: 'losing', storage: losing, clock, onError: (error) => errors.push(error) });
    let finish!: () => void;
    pipeline.step('train', {}, ({ log }) => {
      log.info('once');
      return new Promise<void>((resolve) => (finish = resolve));
    });
    const running = pipeline.run();
    await settled();
    await clock.advance(600);
    expect(errors).toHaveLength(1);
    finish();
    const { id } = await running;
    expect((await linesOf(pipeline.logs(id, { step: 'train' }))).map(({ text }) => text)).toEqual(['once']);
  });

  it('takes nothing from an attempt that was left behind', async () => {
    const clock = new ManualClock(begin);
    const pipeline = new Pipeline({ name: 'late', storage: new MemoryStorage(), clock, grace: 0 });
    let late!: () => void;
    pipeline.step('train', { timeout: 100 }, ({ log }) => {
      log.info('in time');
      late = () => log.info('too late');
      return new Promise(() => undefined);
    });
    const running = pipeline.run();
    await clock.advance(200);
    const { id, status } = await running;
    late();
    await clock.advance(1000);
    expect(status).toBe('failed');
    expect((await linesOf(pipeline.logs(id, { step: 'train' }))).map(({ text }) => text)).toEqual(['in time']);
  });

  it.each([
    ['a step that there is not', { step: 'tran' }, "has no step \"tran\"; it has 'train'"],
    ['a level that there is not', { step: 'train', level: 'fatal' }, 'level'],
    ['a cursor that no page gave', { step: 'train', after: '{"lines":1}' }, 'which no page'],
    ['a limit of none', { step: 'train', limit: 0 }, 'limit'],
  ])('refuses %s', async (_, options, says) => {
    const pipeline = new Pipeline({ name: 'checked', storage: new MemoryStorage() });
    pipeline.step('train', {}, () => 1);
    const { id } = await pipeline.run();
    await expect(pipeline.listLogs(id, options as never)).rejects.toThrow(says);
    await expect(pipeline.listLogs('019f0000-0000-7000-8000-000000000000', { step: 'train' })).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
  });
});

describe('BoundedLines', () => {
  it('keeps order and count whatever the sizes are', () => {
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n;
    for (let round = 0; round < 200; round++) {
      const most = 1000 + random(20_000);
      const lines = new BoundedLines(most);
      const entries = [];
      const total = random(3000);
      for (let i = 0; i < total; i++) {
        lines.add({ at: i, level: 'info', text: 'x'.repeat(random(300)) });
        if (random(50) === 0) entries.push(...lines.takeWaiting(1));
      }
      entries.push(...lines.takeWaiting(1), ...lines.takeTail(1));
      let next = 0;
      let size = 0;
      for (const { lines: kept, dropped = 0 } of entries) {
        next += dropped;
        for (const { at, text } of kept) {
          expect(at, `round ${round}`).toBe(next++);
          size += text.length;
        }
      }
      expect(next, `round ${round}`).toBe(total);
      expect(size, `round ${round}`).toBeLessThanOrEqual(most + 300);
    }
  });
});
