import { ABTest, MemoryStorage, type StorageAdapter } from 'modelkeep';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit.ts';
import { readHead } from '../../src/storage/head-record.ts';
import { demoStore } from './demo-store.ts';
import { lengthen } from './long-histories.ts';
import { serveUi } from './ui-client.ts';

const count = 2_000;
const storage = new MemoryStorage();
const sizes = { verdicts: 0 };

/** Counts the entries of logs that are read, by their keys. */
function counting(inner: StorageAdapter): { storage: StorageAdapter; read: Map<string, number> } {
  const read = new Map<string, number>();
  return {
    read,
    storage: new Proxy(inner, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'readLog') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return async function* (...given: Parameters<StorageAdapter['readLog']>) {
          for await (const entry of target.readLog(...given)) {
            read.set(given[0], (read.get(given[0]) ?? 0) + 1);
            yield entry;
          }
        };
      },
    }),
  };
}

beforeAll(async () => {
  await demoStore(storage);
  let windows = 3;
  await lengthen(storage, 'monitors/flight-delay', 'verdict', count, (event) => {
    const data = event.data as { window: { number: number } };
    return { ...event, data: { ...data, window: { ...data.window, number: ++windows } } };
  });
  sizes.verdicts = windows;
  await lengthen(storage, 'registry/models/flight-delay', 'stage-changed', count, (event, sequence) => ({ ...event, reason: `because ${sequence}` }));
  await lengthen(storage, 'serving/flight-delay', 'paused', count, (event, sequence) => ({ ...event, reason: `because ${sequence}` }));
  await lengthen(storage, 'experiments/delay-model', 'created', count, (event, sequence) => ({ ...event, by: `somebody ${sequence}` }));
});

const hrefOf = (text: string, words: string): string => new RegExp(`<a[^>]*href="/([^"]*)"[^>]*>${words}</a>`).exec(text)![1]!.replaceAll('&#38;', '&').replace(/#.*/, '');

describe('the page of a history of two thousand events', () => {
  it.each([
    ['monitor?name=flight-delay', 'monitors/flight-delay', /Showing the newest 100 of 1,99\d windows/, /Showing 100 older ones of 1,99\d windows/],
    ['model?name=flight-delay', 'registry/models/flight-delay', /Showing the newest 200 of 2,000 events/, /Showing 200 older ones of 2,000 events/],
    ['test?name=delay-model', 'experiments/delay-model', /Showing the newest 200 of 2,000 events/, /Showing 200 older ones of 2,000 events/],
  ])('%s reads it through once, and then the part that it shows', async (path, log, newest, older) => {
    const counted = counting(storage);
    await using ui = await serveUi(counted.storage);
    const first = await ui.get(path);
    expect([first.status, newest.test(first.text)]).toEqual([200, true]);
    expect(counted.read.get(log)).toBeLessThan(count + 1_200);

    counted.read.clear();
    expect((await ui.get(path)).text.replace(/nonce="[^"]*"/g, '')).toBe(first.text.replace(/nonce="[^"]*"/g, ''));
    const second = await ui.get(hrefOf(first.text, 'Older'));
    expect([second.status, older.test(second.text)]).toEqual([200, true]);
    expect(counted.read.get(log)).toBeLessThan(4 * 700);
    expect(hrefOf(second.text, 'Newest')).toBe(path);
    expect(ui.failures).toEqual([]);
  });

  it('of a version has what happened to it, and looks for more where it is older', async () => {
    const counted = counting(storage);
    await using ui = await serveUi(counted.storage);
    const path = 'version?model=flight-delay&version=2';
    const first = await ui.get(path);
    expect(first.text).toContain('What happened to it among the newest 500 of 2,000 events of the model.');
    expect(first.text).not.toContain('version-registered');
    counted.read.clear();
    let page = first;
    for (let i = 0; i < 3; i++) page = await ui.get(hrefOf(page.text, 'Older'));
    expect(page.text).toContain('What happened to it among older 500 of 2,000 events of the model.');
    expect(page.text).toContain('version-registered');
    expect(counted.read.get('registry/models/flight-delay')).toBeLessThan(2_000);
  });

  it('of a monitor leads to the verdict on each window, also on the first', async () => {
    await using ui = await serveUi(storage);
    for (const window of [1, 2, 1_000, sizes.verdicts]) {
      const { text } = await ui.get(`monitor?name=flight-delay&window=${window}`);
      expect(text).toContain(`Window ${window}<`);
    }
    expect((await ui.get(`monitor?name=flight-delay&window=${sizes.verdicts + 1}`)).text).toContain('There is no window');
    for (const wrong of ['0', '-1', 'x', '1e3']) expect((await ui.get(`monitor?name=flight-delay&before=${wrong}`)).status).toBe(400);
  });

  it('of a rollout has its beginning and its end, and says what lies between', async () => {
    const counted = counting(storage);
    await using ui = await serveUi(counted.storage);
    const { text } = await ui.get('rollout?model=flight-delay');
    expect(text).toMatch(/Showing its beginning and its newest 200 events; 1,79\d between them are left out/);
    expect(text).toContain('because 2000');
    expect(text).toContain('>started<');
    expect(text).not.toContain('Earlier rollouts');
    counted.read.clear();
    await ui.get('rollout?model=flight-delay');
    expect(counted.read.get('serving/flight-delay')).toBeLessThan(1_000);
  });

  it('of a rollout after many others has these behind it, page by page', async () => {
    const store = new MemoryStorage();
    await demoStore(store);
    await lengthen(store, 'serving/flight-delay', 'paused', 500, (event: AuditEvent) => ({ ...event, data: { ...(event.data as object), rollout: 'an earlier one' } }));
    // The one that the record tells of begins at the end.
    const { rollout } = (await readHead<{ rollout: { id: string } }>({ storage: store, key: 'serving/flight-delay' }))!;
    await lengthen(store, 'serving/flight-delay', 'started', 501, (event) => ({ ...event, data: { ...(event.data as object), rollout: rollout.id } }));
    await using ui = await serveUi(store);
    const { text } = await ui.get('rollout?model=flight-delay');
    expect(text).toContain('Showing the newest 200 of 500 events');
    expect((await ui.get(hrefOf(text, 'Older'))).text).toContain('Showing 200 older ones of 500 events');
  });
});

describe('the page of a test', () => {
  it('reads what was recorded once, and from then on what has come since', async () => {
    const store = new MemoryStorage();
    const counted = counting(store);
    await using test = new ABTest({ storage: store, name: 'button', variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'clicked', kind: 'proportion', role: 'primary' }] });
    const record = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        test.expose(`user-${i}`);
        test.record(`user-${i}`, { clicked: i % 2 });
        if (i % 10 === 9) await test.flush();
      }
      await test.flush();
    };
    await record(0, 400);
    await using ui = await serveUi(counted.storage);
    expect((await ui.get('test?name=button')).text).toMatch(/units<\/dt><dd>400</);
    const once = counted.read.get('experiments/button/events')!;
    expect(once).toBeGreaterThanOrEqual(80);
    counted.read.clear();
    expect((await ui.get('test?name=button')).text).toMatch(/units<\/dt><dd>400</);
    expect(counted.read.get('experiments/button/events') ?? 0).toBe(0);
    await record(400, 420);
    expect((await ui.get('test?name=button')).text).toMatch(/units<\/dt><dd>420</);
    expect(counted.read.get('experiments/button/events')).toBeLessThanOrEqual(8);

    await test.stop({ ship: 'B', by: 'ada' });
    const stopped = (await ui.get('test?name=button')).text;
    expect(stopped).toContain('ada');
    expect(stopped).toMatch(/units<\/dt><dd>420</);
  });
});
