import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, startWebhook, type RunningDelivery, type StartWebhookOptions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { childProgram } from '../../child-program.ts';
import { readValue } from '../../../src/storage/records.ts';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import type { Receiver } from '../receiver.ts';
import { receiver, secret, type Received } from './receiver.ts';

const directory = temporaryDirectories();
const script = childProgram('webhook-child.ts', import.meta.url);
const why = { by: 'ada', reason: 'because' };

/** What a store has and how its webhook is started. */
function world(): { storage: MemoryStorage; registry: Registry; failed: Error[]; start: (to: Receiver<Received> | string, options?: Partial<StartWebhookOptions>) => Promise<RunningDelivery> } {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage });
  const failed: Error[] = [];
  return {
    storage,
    registry,
    failed,
    start: (to, options = {}) =>
      startWebhook({ name: 'ci', storage, source: registry.events(), url: typeof to === 'string' ? to : to.url, secret, interval: 10, retry: { initial: 1, max: 2, attempts: 2 }, onError: (error) => failed.push(error as Error), ...options }),
  };
}

const told = ({ received }: Receiver<Received>): string[] => received.map(({ event }) => `${event.subject.id}:${event.sequence}`);

async function sequenceOf(model: string, storage: MemoryStorage): Promise<unknown> {
  const { value } = (await readValue<{ cursor: string }>(storage, 'webhooks/ci'))!;
  return (JSON.parse(value.cursor) as { seen: Record<string, number> }).seen[model] ?? 0;
}

describe('a webhook that was started', () => {
  it('sends what happens from then on, signed, and after a restart what happened meanwhile', async () => {
    const to = await receiver();
    const { storage, registry, start, failed } = world();
    await registry.createModel('a');
    const first = await start(to);
    await registry.updateModel('a', { description: '1' });
    await first.flush();
    expect(told(to)).toEqual(['a:2']);
    await first.close();
    await first.close();
    await expect(first.flush()).rejects.toMatchObject({ code: 'closed' });
    await registry.updateModel('a', { description: '2' });
    await registry.createModel('b');
    const second = await start(to);
    await second.flush();
    expect(told(to).sort()).toEqual(['a:2', 'a:3', 'b:1']);
    expect(second.queued).toBe(0);
    await second.close();
    expect(to.received.map(({ event }) => JSON.stringify({ ...event, timestamp: undefined })).sort()).toEqual(
      [...(await registry.history('a')).slice(1), ...(await registry.history('b'))].map((event) => JSON.stringify(event)).sort(),
    );
    expect(failed).toEqual([]);
    expect(await sequenceOf('a', storage)).toBe(3);
  });

  it('begins at the beginning where that is asked for, and with its name only once', async () => {
    const to = await receiver();
    const { registry, start } = world();
    await registry.createModel('a');
    for (const from of ['beginning', 'beginning', 'now'] as const) {
      const hook = await start(to, { from });
      await hook.flush();
      await hook.close();
    }
    expect(told(to)).toEqual(['a:1']);
  });

  it('sends an event until it is taken, whatever the answer, in order, and tells of it meanwhile', async () => {
    const answers = [503, 404, undefined, 401, 500, 301, 204];
    const to = await receiver((_, n) => (n <= answers.length ? answers[n - 1] : 204));
    const { registry, start, failed } = world();
    const hook = await start(to);
    await registry.createModel('a');
    await registry.updateModel('a', { description: 'x' });
    await hook.flush();
    expect(told(to)).toEqual([...Array<string>(7).fill('a:1'), 'a:2']);
    expect(new Set(to.received.map(({ id }) => id)).size).toBe(2);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]).toMatchObject({ code: 'unavailable', details: { event: to.received[0]!.id } });
    await hook.close();
  });

  it('lets an event that is not taken hold up its model and no other, and does not store a place behind it', async () => {
    let stuck = true;
    const to = await receiver(({ event }) => (event.subject.id === 'stuck' && stuck ? 500 : 204));
    const { storage, registry, start } = world();
    const first = await start(to);
    await registry.createModel('stuck');
    await registry.updateModel('stuck', { description: 'x' });
    await to.came(1);
    for (let i = 0; i < 5; i++) await registry.createModel(`free${i}`);
    while (new Set(told(to)).size < 6) await to.came(to.received.length + 1);
    expect(told(to)).not.toContain('stuck:2');
    expect(first.queued).toBeGreaterThanOrEqual(2);
    await first.close();
    expect(await sequenceOf('stuck', storage)).toBe(0);
    stuck = false;
    const second = await start(to);
    await second.flush();
    expect(told(to).filter((each) => each.startsWith('stuck')).slice(-2)).toEqual(['stuck:1', 'stuck:2']);
    expect(await sequenceOf('stuck', storage)).toBe(2);
    await second.close();
  });

  it('reads no more than it may have under way', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const to = await receiver(async () => (await held, 204));
    const { registry, start } = world();
    const hook = await start(to, { maxQueued: 3 });
    for (let i = 0; i < 10; i++) await registry.createModel(`m${i}`);
    await to.came(3);
    expect(hook.queued).toBe(3);
    release();
    await hook.flush();
    expect(new Set(told(to)).size).toBe(10);
    expect(to.received).toHaveLength(10);
    await hook.close();
  });

  it('gives up what is too old where that is asked for', async () => {
    const to = await receiver(({ event }) => (event.sequence === 1 ? 400 : 204));
    const { registry, start, failed } = world();
    const hook = await start(to, { giveUpAfter: 0 });
    await registry.createModel('a');
    await registry.updateModel('a', { description: 'x' });
    await hook.flush();
    expect(told(to)).toEqual(['a:1', 'a:2']);
    expect(failed).toEqual([expect.objectContaining({ code: 'unavailable', details: expect.objectContaining({ status: 400 }) })]);
    await hook.close();
  });

  it('goes on when the source or the storage failed, and has then sent twice at worst', async () => {
    const to = await receiver();
    const { storage, registry, start, failed } = world();
    const source = registry.events();
    const write = storage.write.bind(storage);
    let failures = 2;
    const broken = { id: source.id, now: () => source.now(), poll: (...args: Parameters<typeof source.poll>) => (failures-- > 0 ? Promise.reject(new Error('no poll')) : source.poll(...args)) };
    const hook = await start(to, { source: broken });
    let lost = 2;
    storage.write = (operations, options) => (operations.some(({ key }) => key.startsWith('webhooks/')) && lost-- > 0 ? Promise.reject(new Error('no write')) : write(operations, options));
    await registry.createModel('a');
    await hook.flush();
    expect(told(to)).toEqual(['a:1']);
    expect(new Set(failed.map(({ message }) => message))).toEqual(new Set(['no poll', 'no write']));
    expect(await sequenceOf('a', storage)).toBe(1);
    await hook.close();
  });

  it('ends though its receiver never answers, when whoever closes it waits no longer', async () => {
    const to = await receiver(() => new Promise(() => undefined));
    const { storage, registry, start } = world();
    const hook = await start(to);
    await registry.createModel('a');
    await to.came(1);
    await expect(hook.flush({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    const flushed = expect(hook.flush()).rejects.toMatchObject({ code: 'closed' });
    await hook.close({ signal: AbortSignal.abort() });
    await flushed;
    expect(await sequenceOf('a', storage)).toBe(0);
  });

  it('loses nothing when its process is killed between an event and its place', async () => {
    const path = directory();
    const storage = new FilesystemStorage(path);
    const registry = new Registry({ storage });
    for (const model of ['a', 'b']) {
      await registry.createModel(model);
      for (let i = 0; i < 6; i++) await registry.updateModel(model, { description: String(i) });
    }
    let kill = (): void => undefined;
    // Taken, and killed before the answer can have come.
    const to = await receiver((_, n) => {
      if (n !== 7) return 204;
      kill();
      return new Promise(() => undefined);
    });
    for (const life of [1, 2]) {
      const child = spawn(process.execPath, [script, path, to.url, secret], { stdio: ['ignore', 'inherit', 'inherit'] });
      const ended = new Promise((resolve) => child.on('close', resolve));
      kill = () => void child.kill('SIGKILL');
      if (life === 2) {
        await registry.deleteModel('b', why);
        while (new Set(told(to)).size < 15) await to.came(to.received.length + 1);
        kill();
      }
      await ended;
    }
    for (const [model, count] of [['a', 7], ['b', 8]] as const) {
      const first = told(to).filter((each, i, all) => each.startsWith(model) && all.indexOf(each) === i);
      expect(first).toEqual(Array.from({ length: count }, (_, i) => `${model}:${i + 1}`));
    }
    // What was taken behind the one that was not may come again, and nothing else.
    expect(to.received.length).toBeLessThanOrEqual(15 + 7);
    await storage.close();
  }, 30_000);

  it.each<[Partial<StartWebhookOptions>, string]>([
    [{ name: '' }, 'name'],
    [{ source: {} as never }, 'source'],
    [{ storage: undefined as never }, 'storage'],
    [{ from: 'yesterday' as never }, 'from'],
    [{ types: ['x'] } as never, 'types'],
    [{ surprise: 1 } as never, 'options'],
    [{ maxQueued: 0 }, 'maxQueued'],
    [{ giveUpAfter: 'soon' as never }, 'giveUpAfter'],
    [{ secret: 'short' }, 'secret'],
  ])('is not started with %j', async (options, path) => {
    const { start } = world();
    await expect(start('http://127.0.0.1:1', options)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(path) });
  });
});
