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

  it.each([
    ['/train', 'https://example.com/train'],
    ['/train/index-of-experiments-2026.html', 'https://example.com/train/index-of-experiments-2026.html'],
    ['/invite/3f2a9c17b5d84e6f9a0b1c2d/train', 'https://example.com/invite/[redacted]/train'],
    ['/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', 'https://example.com/reset/[redacted]'],
    ['/app;jsessionid=1A2B/train', 'https://example.com/app/train'],
  ])('says where the page is without keys in its path: %s', async (pathname, entry) => {
    pretend({ location: { origin: 'https://example.com', pathname } });
    expect((await browserEnvironment().describe()).code).toEqual({ entry });
  });

  it.each([
    ['null', '/srcdoc'],
    ['https://example.com', 'https://example.com/7b0b8b6c-9d5c-4b0a-8a38-2d0f9c3ce3b1'],
  ])('says no address where there is none to come back to: %s', async (origin, pathname) => {
    pretend({ location: { origin, pathname } });
    expect((await browserEnvironment().describe()).code).toBeUndefined();
  });

  it('takes what the bundler knows of the code, without its credentials', async () => {
    pretend({ location: { origin: 'https://example.com', pathname: '/' } });
    const { code } = await browserEnvironment({ code: { commit: 'abc', entry: 'src/train.ts', remote: 'https://ci:s3cret@git.example.com/a/b.git' } }).describe();
    expect(code).toEqual({ commit: 'abc', entry: 'src/train.ts', remote: 'https://git.example.com/a/b.git' });
  });

  describe('the graphics processor', () => {
    let lost = 0;
    class OffscreenCanvas {
      getContext(): object {
        return {
          RENDERER: 1,
          getExtension: (name: string) => (name === 'WEBGL_debug_renderer_info' ? { UNMASKED_RENDERER_WEBGL: 2 } : { loseContext: () => lost++ }),
          getParameter: (name: number) => ['', 'WebKit WebGL', 'Apple M2'][name],
        };
      }
    }

    it('is told when the page asks for it, and the context is given back', async () => {
      pretend({ OffscreenCanvas });
      expect(await browserEnvironment({ gpu: true }).describe()).toMatchObject({ gpu: 'Apple M2' });
      expect(lost).toBe(1);
    });

    it('is not looked at otherwise', async () => {
      pretend({
        OffscreenCanvas: class {
          constructor() {
            throw new Error('looked at');
          }
        },
      });
      expect(await browserEnvironment().describe()).not.toHaveProperty('gpu');
      // Nor is it a reason to fail.
      expect(await browserEnvironment({ gpu: true }).describe()).not.toHaveProperty('gpu');
    });

    it('is told by a canvas of the page where there is no other, and by its plain name where there is no better', async () => {
      pretend({
        OffscreenCanvas: undefined,
        document: { visibilityState: 'visible', createElement: () => ({ getContext: () => ({ RENDERER: 1, getExtension: () => null, getParameter: () => 'Mozilla' }) }) },
      });
      expect(await browserEnvironment({ gpu: true }).describe()).toMatchObject({ gpu: 'Mozilla' });
      pretend({ document: { visibilityState: 'visible', createElement: () => ({ getContext: () => null }) } });
      expect(await browserEnvironment({ gpu: true }).describe()).not.toHaveProperty('gpu');
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
    expect(() => browserEnvironment({ gpu: 'yes' as never })).toThrow(/^gpu is "yes"/);
  });
});
