import { MemoryStorage, Registry, Tracker, isModelkeepError, withPrefix } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { describe, expect, it } from 'vitest';
import { etcdStorage } from '../../examples/adapter/etcd-storage.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { EtcdStandIn } from './etcd-stand-in.ts';

const endpoint = 'http://etcd.example.test:2379';

/** A store of blobs that outlives its instances and is shared by them, as a directory on a shared disk is. */
function sharedBlobs(): () => StorageAdapter {
  const memory = new MemoryStorage();
  return () => {
    const view = withPrefix(memory, 'blobs');
    return { ...view, supports: { ...view.supports, durability: 'flushed', sharedBetweenProcesses: true } };
  };
}

// #region suite
storageConformance({
  describe,
  it,
  name: 'the example adapter',
  supports: { durability: 'flushed', sharedBetweenProcesses: true },
  createStore: () => {
    const [etcd, blobs] = [new EtcdStandIn(), sharedBlobs()];
    return { open: () => etcdStorage({ endpoint, prefix: 'models', blobs: blobs(), fetch: etcd.fetch }) };
  },
});
// #endregion suite

describe('the example adapter', () => {
  it('carries the parts of modelkeep', async () => {
    const etcd = new EtcdStandIn();
    const storage = etcdStorage({ endpoint, prefix: 'models', blobs: new MemoryStorage(), fetch: etcd.fetch });
    const tracker = new Tracker({ storage });
    const runId = await tracker.withRun({ experiment: 'demo' }, async (run) => {
      run.logMetrics({ loss: 0.5 });
      await run.logArtifact('model.txt', 'weights');
      return run.id;
    });
    const registry = new Registry({ storage });
    await registry.createModel('fraud', { description: 'Is this payment a fraud?' });
    expect([(await registry.listModels()).items.map(({ name }) => name), typeof runId]).toEqual([['fraud'], 'string']);
  });

  it('keeps the names of the last 10,000 writes and not many more', async () => {
    const etcd = new EtcdStandIn();
    const storage = etcdStorage({ endpoint, prefix: 'models', blobs: new MemoryStorage(), fetch: etcd.fetch });
    for (let i = 0; i < 13; i++) {
      await storage.write(Array.from({ length: 1000 }, (_, n) => ({ kind: 'put', key: 'a', bytes: new Uint8Array(1), operationId: `${i} ${n}` })));
    }
    await storage.close();
    expect(etcd.size).toBe(10_002);
  });

  it('tells a server that cannot be reached from one that refuses, and a caller that gives up', async () => {
    const failing = (answer: () => Promise<Response>): StorageAdapter => etcdStorage({ endpoint, prefix: 'models', blobs: new MemoryStorage(), fetch: answer });
    const codeOf = async (storage: StorageAdapter, signal?: AbortSignal): Promise<string | undefined> =>
      storage.read(['a'], { signal }).then(
        () => undefined,
        (error: unknown) => (isModelkeepError(error) ? error.code : String(error)),
      );
    const controller = new AbortController();
    const hanging = codeOf(failing(() => new Promise((_resolve, reject) => controller.signal.addEventListener('abort', () => reject(new Error('aborted'))))), controller.signal);
    controller.abort();
    const unreachable = codeOf(failing(() => Promise.reject(new TypeError('fetch failed'))));
    const refusing = codeOf(failing(async () => new Response('permission denied', { status: 403 })));
    expect(await Promise.all([hanging, unreachable, refusing])).toEqual(['aborted', 'unavailable', 'storage']);
  });
});
