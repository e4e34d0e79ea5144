import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, type WebCache } from 'modelkeep';

const hub = 'https://huggingface.co/Xenova/tiny%20model';

async function newRegistry(storage = new MemoryStorage()): Promise<Registry> {
  const registry = new Registry({ storage });
  await registry.createModel('Xenova/tiny model');
  for (const version of [1, 2]) await registry.registerVersion('Xenova/tiny model', { files: { 'config.json': `{"v":${version}}`, 'onnx/model.onnx': new Uint8Array(300_000).fill(version) } });
  await registry.promote('Xenova/tiny model@1', 'production', { by: 'lead', reason: 'first' });
  return registry;
}

/** A Cache that keeps answers in memory. */
class KeptAnswers implements WebCache {
  readonly kept = new Map<string, Response>();
  async match(request: string): Promise<Response | undefined> {
    return this.kept.get(request)?.clone();
  }
  async put(request: string, response: Response): Promise<void> {
    this.kept.set(request, response);
  }
}

describe('asCacheStorage', () => {
  it('answers for files of registered versions, by the addresses of the hub and its own', async () => {
    const registry = await newRegistry();
    const cache = registry.asCacheStorage();
    const response = (await cache.match(`${hub}/resolve/main/config.json`))!;
    expect(response.status).toBe(200);
    const [file] = (await registry.getVersion('Xenova/tiny model@1')).files;
    expect(Object.fromEntries(response.headers)).toEqual({ 'content-length': '7', 'content-type': 'application/json', etag: `"${file!.digest}"` });
    expect(await response.json()).toEqual({ v: 1 });
    const bytes = new Uint8Array(await (await cache.match(new Request(`${hub}/resolve/2/onnx/model.onnx?download=true`)))!.arrayBuffer());
    expect([bytes.length, bytes[299_999]]).toEqual([300_000, 2]);
    expect(await (await cache.match(new URL('modelkeep://Xenova/tiny%20model@latest/config.json')))!.json()).toEqual({ v: 2 });
    expect(await (await registry.asCacheStorage({ main: 'latest', remoteHost: 'https://mirror.example' }).match('https://mirror.example/Xenova/tiny%20model/resolve/main/config.json'))!.json()).toEqual({ v: 2 });
  });

  it('answers for nothing else, and leaves that to its fallback', async () => {
    const registry = await newRegistry();
    const others = [`${hub}/resolve/main/none.json`, `${hub}/resolve/9/config.json`, `${hub}/resolve/refs%2Fpr%2F1/config.json`, 'https://huggingface.co/other/model/resolve/main/config.json', '/models/x/config.json', `https://example.com/Xenova/tiny%20model/resolve/main/config.json`, `${hub}%/resolve/main/config.json`];
    const bare = registry.asCacheStorage();
    for (const url of others) {
      expect(await bare.match(url), url).toBeUndefined();
      await bare.put(url, new Response('x'));
      expect(await bare.match(url), url).toBeUndefined();
    }
    const fallback = new KeptAnswers();
    const cache = registry.asCacheStorage({ fallback });
    for (const url of others) {
      await cache.put(url, new Response('x'));
      expect(await (await cache.match(url))!.text()).toBe('x');
    }
    expect(await bare.match({ url: `${hub}/resolve/main/config.json`, method: 'HEAD' })).toBeUndefined();
  });

  it('gives files of one version although another is promoted in between', async () => {
    const registry = await newRegistry();
    const cache = registry.asCacheStorage();
    expect(await (await cache.match(`${hub}/resolve/main/config.json`))!.json()).toEqual({ v: 1 });
    await registry.promote('Xenova/tiny model@2', 'production', { by: 'lead', reason: 'second' });
    const weights = new Uint8Array(await (await cache.match(`${hub}/resolve/main/onnx/model.onnx`))!.arrayBuffer());
    expect(weights[0]).toBe(1);
    expect(await (await registry.asCacheStorage().match(`${hub}/resolve/main/config.json`))!.json()).toEqual({ v: 2 });
  });

  it('ends the stream with an error where bytes differ, and the read when nobody wants it', async () => {
    const storage = new MemoryStorage();
    const registry = await newRegistry(storage);
    const readBlob = storage.readBlob.bind(storage);
    let ended = 0;
    storage.readBlob = async () => (async function* () {
      try {
        for (let i = 0; i < 3; i++) yield new Uint8Array(10);
      } finally {
        ended++;
      }
    })();
    const cache = registry.asCacheStorage();
    await expect((await cache.match(`${hub}/resolve/main/config.json`))!.arrayBuffer()).rejects.toMatchObject({ code: 'integrity' });
    const body = (await cache.match(`${hub}/resolve/main/config.json`))!.body!.getReader();
    await body.read();
    await body.cancel();
    expect(ended).toBe(2);
    storage.readBlob = readBlob;
  });

  it('refuses options that are none', async () => {
    const registry = await newRegistry();
    for (const options of [{ main: 'v 1' }, { fallback: {} }, { other: 1 }]) expect(() => registry.asCacheStorage(options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
  });
});
