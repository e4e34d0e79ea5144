import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryStorage, Tracker } from 'modelkeep';
import { browserEnvironment } from 'modelkeep/browser';

/** What a page of some browser offers. */
function pretend(globals: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
}

afterEach(() => vi.unstubAllGlobals());

describe('browserEnvironment', () => {
  it.each([
    [{ userAgentData: { brands: [{ brand: 'Not/A)Brand', version: '8' }, { brand: 'Chromium', version: '126' }, { brand: 'Google Chrome', version: '126' }], platform: 'Linux' } }, 'Google Chrome 126'],
    [{ userAgentData: { brands: [{ brand: 'Not.A/Brand', version: '8' }, { brand: 'Chromium', version: '120' }] } }, 'Chromium 120'],
    [{ userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0' }, 'Firefox 127.0'],
    [{ userAgent: 'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15' }, 'Safari 17.4'],
    [{}, undefined],
  ])('names the browser and its version', async (navigator, version) => {
    pretend({ navigator });
    expect((await browserEnvironment().describe()).runtimeVersion).toBe(version);
  });

  it('says what the machine has, and the address without what may be secret', async () => {
    pretend({
      navigator: { hardwareConcurrency: 8, deviceMemory: 4, platform: 'MacIntel', language: 'de-CH', userAgent: 'x' },
      location: { origin: 'https://example.com', pathname: '/train', search: '?token=secret', hash: '#secret', href: 'https://example.com/train?token=secret' },
    });
    const record = await browserEnvironment({ code: { commit: 'abc' }, packages: { '@tensorflow/tfjs': '4.22.0' } }).describe();
    expect(record).toEqual({
      runtime: 'browser',
      platform: 'MacIntel',
      cpu: { cores: 8 },
      memoryBytes: 4 * 2 ** 30,
      code: { entry: 'https://example.com/train', commit: 'abc' },
      packages: { '@tensorflow/tfjs': '4.22.0' },
    });
  });

  it('flushes open runs when the page is hidden or left, and listens no longer than runs are open', async () => {
    const listeners = new Map<string, Set<() => void>>();
    const document = { visibilityState: 'visible' };
    pretend({
      document,
      addEventListener: (type: string, listener: () => void) => listeners.set(type, (listeners.get(type) ?? new Set()).add(listener)),
      removeEventListener: (type: string, listener: () => void) => listeners.get(type)?.delete(listener),
    });
    const fire = async (type: string): Promise<void> => {
      for (const listener of listeners.get(type) ?? []) listener();
      await new Promise(setImmediate);
    };
    const tracker = new Tracker({ storage: new MemoryStorage(), environment: browserEnvironment(), flushInterval: '1h' });
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ loss: 1 });
    await fire('visibilitychange');
    expect((await tracker.getRun(run.id)).metrics).toEqual({});
    document.visibilityState = 'hidden';
    await fire('visibilitychange');
    expect((await tracker.getRun(run.id)).metrics).toMatchObject({ loss: { value: 1 } });
    run.logMetrics({ loss: 2 }, { step: 1 });
    await fire('pagehide');
    expect((await tracker.getRun(run.id)).metrics).toMatchObject({ loss: { value: 2 } });
    await run.end();
    expect([...listeners.values()].every((each) => each.size === 0)).toBe(true);
  });

  it('refuses code and packages that are none', () => {
    expect(() => browserEnvironment({ code: 'abc' as never })).toThrow(/^code is "abc"/);
    expect(() => browserEnvironment({ packages: 5 as never })).toThrow(/^packages is 5/);
  });
});
