import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type Content, type Environment } from 'modelkeep';
import { digestOf } from '../../src/core/digest.ts';
import { ManualClock } from './manual-clock.ts';

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

async function* pieces(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe('artifacts', () => {
  const contents: [string, () => Content, string][] = [
    ['text', () => 'héllo', 'text/plain; charset=utf-8'],
    ['bytes', () => utf8('héllo'), 'application/octet-stream'],
    ['an ArrayBuffer', () => utf8('héllo').slice().buffer, 'application/octet-stream'],
    ['a Blob', () => new Blob(['héllo'], { type: 'text/html' }), 'text/html'],
    ['a stream', () => new Blob(['héllo']).stream() as Content, 'application/octet-stream'],
    ['an AsyncIterable', () => pieces(utf8('hé'), new Uint8Array(0), utf8('llo')), 'application/octet-stream'],
  ];

  it.each(contents)('are kept under the digest of their bytes: %s', async (_, content, mediaType) => {
    const tracker = new Tracker({ storage: new MemoryStorage(), clock: new ManualClock() });
    const run = await tracker.startRun({ experiment: 'e' });
    const record = await run.logArtifact('greeting', content());
    expect(record).toEqual({ name: 'greeting', digest: digestOf('héllo'), size: 6, mediaType, loggedAt: 1_000_000 });
    expect(await all(tracker.artifacts(run.id))).toEqual([record]);
    expect(await tracker.readArtifact(run.id, 'greeting')).toEqual(utf8('héllo'));
    const chunks = await all(await tracker.openArtifact(run.id, 'greeting'));
    expect(Buffer.concat(chunks).toString()).toBe('héllo');
  });

  it('have folders in their names and the media type they are given; a name logged again is replaced', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const run = await tracker.startRun({ experiment: 'e' });
    await run.logArtifact('plots/ROC.json', '{}', { mediaType: 'application/json' });
    await run.logArtifact('plots/ROC.json', '{"a":1}', { mediaType: 'application/json' });
    await run.logArtifact('empty', '');
    const found = await all(tracker.artifacts(run.id));
    expect(found.map(({ name, size, mediaType }) => [name, size, mediaType]).sort()).toEqual([
      ['empty', 0, 'text/plain; charset=utf-8'],
      ['plots/ROC.json', 7, 'application/json'],
    ]);
    expect(await tracker.readArtifact(run.id, 'empty')).toEqual(new Uint8Array(0));
  });

  it('are told apart by run, are part of the lineage, and share equal bytes', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage, clock: new ManualClock() });
    const [a, b] = [await tracker.startRun({ experiment: 'e' }), await tracker.startRun({ experiment: 'e' })];
    const { digest } = await a.logArtifact('model.bin', 'same');
    await b.logArtifact('model.bin', 'same');
    expect((await storage.list({ kind: 'blob' })).entries).toHaveLength(1);
    expect(await tracker.lineage(a.id)).toEqual([
      { from: { kind: 'run', id: a.id }, relation: 'produced', to: { kind: 'artifact', id: `${a.id}/model.bin`, digest }, at: 1_000_000 },
    ]);
  });

  it('that are not there, or whose bytes are gone or changed, are errors', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const run = await tracker.startRun({ experiment: 'e' });
    const { digest } = await run.logArtifact('a', 'x');
    await expect(tracker.readArtifact(run.id, 'b')).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining("'b'") });
    await expect(tracker.readArtifact('nobody', 'a')).rejects.toMatchObject({ code: 'not-found' });
    await storage.deleteBlob(digest);
    await expect(tracker.readArtifact(run.id, 'a')).rejects.toMatchObject({ code: 'integrity', details: { key: digest } });
  });

  it('leave no record when their source fails or is none', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const run = await tracker.startRun({ experiment: 'e' });
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield utf8('half');
      throw new Error('the network went away');
    };
    await expect(run.logArtifact('a', failing())).rejects.toThrow('the network went away');
    await expect(run.logArtifact('a', 5 as unknown as string)).rejects.toThrow("The content of artifact 'a'");
    await expect(run.logArtifact('a', null as unknown as string)).rejects.toMatchObject({ code: 'validation' });
    expect(await all(tracker.artifacts(run.id))).toEqual([]);
    expect(await tracker.lineage(run.id)).toEqual([]);
  });
});

describe('datasets', () => {
  const rows = [
    { origin: 'ATL', delay: 5, late: false },
    { origin: 'JFK', delay: null, late: true },
  ];
  const columns = { late: [false, true], delay: [5, null], origin: ['ATL', 'JFK'] };

  it('have the same fingerprint as rows and as columns, and tell their schema and size', async () => {
    const clock = new ManualClock();
    const tracker = new Tracker({ storage: new MemoryStorage(), clock });
    const run = await tracker.startRun({ experiment: 'e' });
    const training = await run.logDataset({ name: 'flights-2001-01', role: 'training', source: 'flights-3m.parquet', rows });
    expect(training).toEqual({
      name: 'flights-2001-01',
      role: 'training',
      source: 'flights-3m.parquet',
      fingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      rowCount: 2,
      schema: { origin: 'string', delay: 'float64', late: 'bool' },
      profile: expect.objectContaining({ late: { missing: 0, trues: 1 } }),
      loggedAt: 1_000_000,
    });
    await clock.pass(1);
    const test = await run.logDataset({ name: 'flights-2001-02', role: 'test', columns });
    expect(test.fingerprint).toBe(training.fingerprint);
    await clock.pass(1);
    const changed = await run.logDataset({ name: 'flights-2001-02', role: 'test', columns: { ...columns, delay: [5, 6] } });
    expect(changed.fingerprint).not.toBe(training.fingerprint);
    await run.logDataset({ name: 'flights-2001-02', role: 'test', columns: { ...columns, delay: [5, 6] } });

    expect((await tracker.datasets(run.id)).map(({ name, fingerprint }) => [name, fingerprint])).toEqual([
      ['flights-2001-01', training.fingerprint],
      ['flights-2001-02', test.fingerprint],
      ['flights-2001-02', changed.fingerprint],
    ]);
    expect((await tracker.lineage(run.id)).map(({ relation, to }) => [relation, to.kind, to.id, to.digest])).toEqual([
      ['used', 'dataset', 'flights-2001-01', training.fingerprint],
      ['used', 'dataset', 'flights-2001-02', test.fingerprint],
      ['used', 'dataset', 'flights-2001-02', changed.fingerprint],
    ]);
  });

  it('must come with contents, once, and with a name and a role', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const run = await tracker.startRun({ experiment: 'e' });
    const log = (dataset: unknown): Promise<unknown> => run.logDataset(dataset as { name: string; role: string; rows: [] });
    await expect(log({ name: 'a', role: 'test' })).rejects.toThrow('no contents');
    await expect(log({ name: 'a', role: 'test', rows, columns })).rejects.toThrow('several contents');
    await expect(log({ name: '', role: 'test', rows })).rejects.toMatchObject({ code: 'validation' });
    await expect(log({ name: 'a', rows })).rejects.toThrow("The role of dataset 'a'");
    await expect(log({ name: 'a', role: 'test', columns: { x: [1], y: [1, 2] } })).rejects.toThrow('a.y');
    await expect(log(undefined)).rejects.toMatchObject({ code: 'validation' });
    expect(await tracker.datasets(run.id)).toEqual([]);
  });
});

describe('the environment', () => {
  const record = { runtime: 'test', memoryBytes: 5, code: { commit: 'abc', dirty: true, diff: 'd'.repeat(1000), command: ['x'] } };

  it('is stored once for all runs in it, in short in each record and whole beside it', async () => {
    const storage = new MemoryStorage();
    const environment: Environment = { describe: async () => record, onExit: () => () => undefined };
    const tracker = new Tracker({ storage, environment });
    const [a, b] = [await tracker.startRun({ experiment: 'e' }), await tracker.startRun({ experiment: 'e' })];
    const known = await tracker.getRun(a.id);
    expect(known.code).toEqual({ commit: 'abc', dirty: true });
    expect((await tracker.getRun(b.id)).environment).toBe(known.environment);
    expect(await tracker.environment(a.id)).toEqual(record);
    const [stored] = (await storage.list({ prefix: 'tracking/runs/' })).entries;
    expect((await storage.read([stored!.key]))[0]!.blobs).toEqual([known.environment]);
    await a.end();
    expect((await storage.read([stored!.key]))[0]!.blobs).toEqual([known.environment]);
  });

  it('that cannot be told stops no run', async () => {
    const told: unknown[] = [];
    const environment: Environment = { describe: () => Promise.reject(new Error('no host')), onExit: () => () => undefined };
    const tracker = new Tracker({ storage: new MemoryStorage(), environment, onError: (error) => told.push(error) });
    const run = await tracker.startRun({ experiment: 'e' });
    expect(await tracker.environment(run.id)).toBeUndefined();
    expect(told).toEqual([expect.objectContaining({ message: 'no host' })]);
  });
});
