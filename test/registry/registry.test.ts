import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, Tracker, withPrefix, type ModelVersion , type LineageGraph } from 'modelkeep';
import { digestOf, type Digest } from '../../src/core/digest.ts';
import { lineageOperations, readLineage } from '../../src/storage/lineage.ts';
import { verifiedBytes } from '../../src/storage/verified-bytes.ts';

const who = { by: 'tester', reason: 'because' };
const january = `sha256:${'1'.repeat(64)}`;

async function registryWith(versions: number, name = 'flight-delay'): Promise<{ registry: Registry; storage: MemoryStorage }> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage });
  await registry.createModel(name);
  for (let i = 1; i <= versions; i++) await registry.registerVersion(name, { files: { 'model.json': `model ${i}` } });
  return { registry, storage };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('models', () => {
  it('are created once, and described as they were given', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    const made = await registry.createModel('flight-delay', { description: 'Late?', owner: 'ops', tags: { team: 'air' } });
    expect(made).toMatchObject({ name: 'flight-delay', description: 'Late?', owner: 'ops', tags: { team: 'air' }, latest: 0, policy: {} });
    expect(await registry.getModel('flight-delay')).toEqual(made);
    await expect(registry.createModel('flight-delay')).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('exists already') });
    expect((await registry.history('flight-delay')).map((event) => event.type)).toEqual(['model-created']);
  });

  it.each(['Flugverspätung ✈', '日本語/モデル', '@scope/model', 'con', 'UPPER lower', 'a.b', '__proto__', 'x'.repeat(250)])('may be called %j', async (name) => {
    const { registry } = await registryWith(2, name);
    await registry.promote(`${name}@1`, 'production', who);
    expect(await registry.getVersion(`${name}@production`)).toMatchObject({ model: name, version: 1 });
    expect((await all(registry.models())).map((model) => model.name)).toEqual([name]);
  });

  it('has one name however it was typed', async () => {
    const { registry } = await registryWith(1, 'vérité');
    expect((await registry.getVersion('ve\u0301rite\u0301@1')).model).toBe('vérité');
  });

  it('are listed in pages, and every one exactly once', async () => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    const names = Array.from({ length: 23 }, (_, i) => `Model ${i}`);
    for (const name of names) await registry.createModel(name);
    await registry.registerVersion('Model 3', { files: { a: 'b' } });
    const first = await registry.listModels({ limit: 10 });
    const second = await registry.listModels({ limit: 10, after: first.next });
    const third = await registry.listModels({ limit: 10, after: second.next });
    expect([first, second, third].map((page) => page.items.length)).toEqual([10, 10, 3]);
    expect(third.next).toBeUndefined();
    expect([first, second, third].flatMap((page) => page.items.map((model) => model.name)).sort()).toEqual([...names].sort());
    expect(await all(registry.models())).toHaveLength(23);
  });

  it('of one team are not seen by another', async () => {
    const storage = new MemoryStorage();
    const a = new Registry({ storage: withPrefix(storage, 'team-a') });
    const b = new Registry({ storage: withPrefix(storage, 'team-b') });
    await a.createModel('fraud');
    await a.registerVersion('fraud', { files: { f: 'x' } });
    expect(await all(a.models())).toHaveLength(1);
    expect(await all(b.models())).toEqual([]);
    await expect(b.getModel('fraud')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('versions', () => {
  it('keep everything they were registered with', async () => {
    const { registry, storage } = await registryWith(0);
    const bytes = Uint8Array.from([9, 8, 7]);
    const version = await registry.registerVersion('flight-delay', {
      files: { 'weights/w.bin': bytes, 'model.json': '{"é":1}' },
      run: { id: 'run-1' },
      metrics: { auc: 0.83, loss: NaN },
      dataset: { fingerprint: january, name: 'january' },
      createdBy: 'training@ci',
      tags: { task: 'classification' },
      description: 'first',
    });
    expect(version).toMatchObject({
      model: 'flight-delay',
      version: 1,
      stage: 'none',
      size: 3 + 8,
      run: 'run-1',
      metrics: { auc: 0.83, loss: NaN },
      dataset: { digest: january, name: 'january' },
      createdBy: 'training@ci',
      tags: { task: 'classification' },
      description: 'first',
    });
    expect(version.files.map((file) => file.path)).toEqual(['model.json', 'weights/w.bin']);
    expect(await registry.getVersion('flight-delay@1')).toEqual(version);
    expect(await registry.getVersion('flight-delay@latest')).toEqual(version);

    const edges = await readLineage(storage, 'from', { kind: 'model-version', id: 'flight-delay', version: 1 });
    expect(edges.map(({ relation, to }) => [relation, to]).sort()).toEqual([
      ['derivedFrom', { kind: 'run', id: 'run-1' }],
      ['used', { kind: 'dataset', id: 'january', digest: january }],
    ]);
    expect(await readLineage(storage, 'to', { kind: 'run', id: 'run-1' })).toHaveLength(1);
  });

  it('keep where they come from and what they are, and lineage leads there', async () => {
    const { registry, storage } = await registryWith(0);
    const digest = (hex: string): `sha256:${string}` => `sha256:${hex.repeat(64)}`;
    const facts = {
      pipelineRun: 'p-1',
      features: { service: 'delay_v1', version: 2, digest: digest('5') },
      flavor: 'tfjs-layers',
      flavorData: { weights: [1, NaN] },
      framework: { name: '@tensorflow/tfjs', version: '4.22.0' },
      licence: 'Apache-2.0',
    } as const;
    const version = await registry.registerVersion('flight-delay', {
      ...facts,
      files: { f: 'x' },
      dataset: digest('1'),
      datasets: [{ dataset: { fingerprint: digest('2'), name: 'train' }, role: 'training' }, { fingerprint: digest('3'), name: 'valid', role: 'validation' }, digest('1')],
    });
    const datasets = [{ digest: digest('2'), name: 'train', role: 'training' }, { digest: digest('3'), name: 'valid', role: 'validation' }, { digest: digest('1') }];
    expect(version).toMatchObject({ ...facts, datasets });
    expect(await registry.getVersion('flight-delay@1')).toEqual(version);
    const edges = await readLineage(storage, 'from', { kind: 'model-version', id: 'flight-delay', version: 1 });
    expect(edges.map(({ relation, to }) => `${relation} ${to.kind} ${to.id}`).sort()).toEqual([
      'derivedFrom pipeline-run p-1',
      `used dataset ${digest('1')}`,
      'used dataset train',
      'used dataset valid',
      'used feature-service delay_v1',
    ]);
    const refused = (options: object, path: string): Promise<void> =>
      expect(registry.registerVersion('flight-delay', { files: { f: 'x' }, ...options })).rejects.toMatchObject({ code: 'validation', details: { path } });
    await refused({ datasets: ['january'] }, 'options.datasets[0]');
    await refused({ datasets: [{ dataset: digest('1'), role: 3 }] }, 'options.datasets[0].role');
    await refused({ framework: { version: '1' } }, 'options.framework.name');
    await refused({ features: { service: 's', digest: 'x' } }, 'options.features.digest');
    await refused({ flavorData: { f: () => 1 } }, 'options.flavorData.f');
    expect((await registry.getModel('flight-delay')).latest).toBe(1);
  });

  it('take files as bytes, text, Blob, stream and AsyncIterable, and store equal ones once', async () => {
    const { registry, storage } = await registryWith(0);
    const text = 'the very same bytes';
    const bytes = new TextEncoder().encode(text);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 3);
      yield bytes.subarray(3);
    }
    const version = await registry.registerVersion('flight-delay', {
      files: { a: text, b: bytes, c: new Blob([bytes]), d: new Blob([bytes]).stream(), e: pieces(), f: bytes.slice().buffer },
    });
    expect(new Set(version.files.map((file) => file.digest)).size).toBe(1);
    expect((await storage.list({ kind: 'blob' })).entries).toHaveLength(1);
    const loaded = await registry.load('flight-delay@1');
    for (const { path } of loaded.files()) expect(new TextDecoder().decode(await loaded.file(path))).toBe(text);
  });

  it('have the identity of their contents, not of the order or time of their coming', async () => {
    const { registry } = await registryWith(0);
    const one = await registry.registerVersion('flight-delay', { files: { a: '1', b: '2' } });
    const two = await registry.registerVersion('flight-delay', { files: { b: '2', a: '1' }, tags: { other: 'tag' } });
    const swapped = await registry.registerVersion('flight-delay', { files: { a: '2', b: '1' } });
    expect(two.digest).toBe(one.digest);
    expect(swapped.digest).not.toBe(one.digest);
    // Worked out by hand from the documented form: SHA-256 of {"files":[[path,size,digest]…],"format":"modelkeep.manifest/1"}.
    expect(one.digest).toBe('sha256:20926d6b18471785f2059c94ad85038416f141714958b32c15fe2a816723443c');
  });

  it('are listed newest first, in pages', async () => {
    const { registry } = await registryWith(7);
    const numbers = (versions: readonly ModelVersion[]): number[] => versions.map((version) => version.version);
    expect(numbers(await all(registry.versions('flight-delay')))).toEqual([7, 6, 5, 4, 3, 2, 1]);
    const page = await registry.listVersions('flight-delay', { limit: 3 });
    expect([numbers(page.items), page.next]).toEqual([[7, 6, 5], '5']);
    expect(numbers((await registry.listVersions('flight-delay', { limit: 4, after: '5' })).items)).toEqual([4, 3, 2, 1]);
    expect(await registry.listVersions('flight-delay', { after: '1' })).toEqual({ items: [], damaged: [], next: undefined });
  });

  it('keep their files from being collected', async () => {
    const { registry, storage } = await registryWith(1);
    const [file] = (await registry.getVersion('flight-delay@1')).files;
    const named: string[] = [];
    for (const { key } of (await storage.list()).entries) named.push(...((await storage.read([key]))[0]?.blobs ?? []));
    expect(named).toEqual([file!.digest]);
  });

  it('leave nothing when a file cannot be read to its end', async () => {
    const { registry } = await registryWith(1);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      throw new Error('the network went away');
    }
    await expect(registry.registerVersion('flight-delay', { files: { good: 'x', bad: broken() } })).rejects.toThrow('the network went away');
    expect((await registry.getModel('flight-delay')).latest).toBe(1);
    expect((await registry.history('flight-delay')).map((event) => event.type)).toEqual(['model-created', 'version-registered']);
    expect((await registry.registerVersion('flight-delay', { files: { good: 'x' } })).version).toBe(2);
  });

  it('tell how far storing has come, and stop when told to', async () => {
    const { registry } = await registryWith(0);
    const seen: unknown[] = [];
    await registry.registerVersion('flight-delay', { files: { a: '1', b: '2' }, onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([1, 2].map((done) => ({ phase: 'storing files', done, total: 2 })));
    await expect(registry.registerVersion('flight-delay', { files: { a: '1' }, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect((await registry.getModel('flight-delay')).latest).toBe(1);
  });

  it('leave the head record small, however many there are', async () => {
    const { registry, storage } = await registryWith(0);
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`shard-${i}`, `same`]));
    for (let i = 1; i <= 300; i++) {
      await registry.registerVersion('flight-delay', { files, tags: { build: String(i) } });
      if (i % 2 === 0) await registry.promote(`flight-delay@${i}`, 'production', who);
    }
    const { entries } = await storage.list({ prefix: 'registry/models/' });
    expect(entries).toHaveLength(1);
    expect(entries[0]!.size).toBeLessThan(1_500);
  }, 120_000);
});

describe('stages', () => {
  it('hold one version each, archive the one before, and tell who did it', async () => {
    const { registry } = await registryWith(3);
    await registry.promote('flight-delay@1', 'production', { by: 'ann', reason: 'first' });
    const promoted = await registry.promote('flight-delay@2', 'production', { by: 'bob', reason: 'better' });
    await registry.promote('flight-delay@latest', 'staging', who);
    expect(promoted).toMatchObject({ version: 2, stage: 'production' });
    expect((await all(registry.versions('flight-delay'))).map((version) => version.stage)).toEqual(['staging', 'production', 'archived']);
    expect(await registry.getModel('flight-delay')).toMatchObject({ production: 2, staging: 3, rollbackTo: 1, latest: 3 });
    const events = await registry.history('flight-delay');
    expect(events.map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(events[5]).toMatchObject({
      type: 'stage-changed',
      by: 'bob',
      reason: 'better',
      subject: { kind: 'model-version', id: 'flight-delay', version: 2 },
      data: { version: 2, from: 'none', to: 'production', replaced: 1, forced: false },
    });
  });

  it('write nothing when the version stands there already', async () => {
    const { registry } = await registryWith(1);
    await registry.promote('flight-delay@1', 'production', who);
    const before = await registry.history('flight-delay');
    expect(await registry.promote('flight-delay@1', 'production', who)).toMatchObject({ stage: 'production' });
    expect(await registry.history('flight-delay')).toEqual(before);
  });

  it('go back in one call, one step at a time, and not to what was rolled back', async () => {
    const { registry } = await registryWith(4);
    for (const version of [1, 2, 3]) await registry.promote(`flight-delay@${version}`, 'production', who);
    expect(await registry.rollback('flight-delay', { by: 'oncall', reason: 'drift' })).toMatchObject({ version: 2, stage: 'production' });
    await registry.promote('flight-delay@4', 'production', who);
    expect(await registry.rollback('flight-delay', who)).toMatchObject({ version: 2 });
    expect(await registry.rollback('flight-delay', who)).toMatchObject({ version: 1 });
    await expect(registry.rollback('flight-delay', who)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('no previous version') });
    expect((await all(registry.versions('flight-delay'))).map((version) => version.stage)).toEqual(['archived', 'archived', 'archived', 'production']);
    expect((await registry.history('flight-delay')).filter((event) => event.type === 'rolled-back')[0]).toMatchObject({
      by: 'oncall',
      reason: 'drift',
      data: { version: 2, from: 'archived', to: 'production', replaced: 3 },
    });
  });
});

describe('loading', () => {
  it('gives what was registered, whole and in a stream', async () => {
    const { registry } = await registryWith(0);
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);
    await registry.registerVersion('flight-delay', { files: { 'dir/weights.bin': bytes, empty: '' } });
    const loaded = await registry.load('flight-delay@1');
    expect(digestOf(await loaded.file('dir/weights.bin'))).toBe(digestOf(bytes));
    expect(await loaded.file('empty')).toEqual(new Uint8Array(0));
    const chunks = await all(loaded.stream('dir/weights.bin'));
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(bytes.length);
    await expect(loaded.file('other')).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('"dir/weights.bin"') });
  });

  it('refuses a file whose bytes changed or went away, and names model, version and file', async () => {
    for (const damage of ['flip', 'delete'] as const) {
      const { registry, storage } = await registryWith(1);
      const [file] = (await registry.getVersion('flight-delay@1')).files;
      if (damage === 'delete') await storage.deleteBlob(file!.digest);
      const damaged = new Registry({ storage: damage === 'flip' ? withFlippedBlobs(storage) : storage });
      const loaded = await damaged.load('flight-delay@1');
      await expect(loaded.file('model.json')).rejects.toMatchObject({
        code: 'integrity',
        message: expect.stringMatching(/"model.json" of flight-delay@1/),
        details: { model: 'flight-delay', version: 1, path: 'model.json', key: file!.digest },
      });
    }
  });

  it('refuses a version whose list of files is not the one that was registered', async () => {
    const { registry, storage } = await registryWith(2);
    const other = await registry.getVersion('flight-delay@2');
    const key = (await storage.list({ prefix: 'registry/versions/' })).entries[0]!.key;
    const [record] = await storage.read([key]);
    const forged = new TextDecoder().decode(record!.bytes).replaceAll((await registry.getVersion('flight-delay@1')).files[0]!.digest, other.files[0]!.digest);
    await storage.write([{ kind: 'put', key, bytes: new TextEncoder().encode(forged) }]);
    await expect(registry.load('flight-delay@1')).rejects.toMatchObject({ code: 'integrity', details: { model: 'flight-delay', version: 1 } });
  });
});

/** The same store on a disk that flips a bit of every blob, below the check that every adapter makes. */
function withFlippedBlobs(storage: MemoryStorage): MemoryStorage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'readBlob') {
        return async (digest: Digest) => {
          const chunks = await target.readBlob(digest);
          return chunks && verifiedBytes(flipped(chunks), digest);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function* flipped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield chunk.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}

describe('lineage', () => {
  it('leads from a version to its run and its datasets', async () => {
    const { registry, storage } = await registryWith(0);
    const environment = { describe: async () => ({ runtime: 'node', code: { commit: 'c0ffee', dirty: false } }), onExit: () => () => undefined };
    const tracker = new Tracker({ storage, environment });
    const { run, dataset } = await tracker.withRun({ experiment: 'delays' }, async (each) => {
      return { run: each, dataset: await each.logDataset({ name: 'january', role: 'training', rows: [{ x: 1 }, { x: 2 }] }) };
    });
    await registry.registerVersion('flight-delay', { files: { f: 'x' }, run, dataset });
    await registry.recordEvaluation('flight-delay@1', { dataset: `sha256:${'2'.repeat(64)}`, metrics: { auc: 0.8 } });
    const graph = await registry.lineage('flight-delay@1');
    const digest = (await registry.getVersion('flight-delay@1')).digest;
    expect(graph.nodes[0]).toEqual({ kind: 'model-version', id: 'flight-delay', version: 1, digest });
    expect(new Set(graph.nodes.slice(1))).toEqual(
      new Set([
        { kind: 'run', id: run.id },
        { kind: 'code', id: 'c0ffee' },
        { kind: 'dataset', id: 'january', digest: dataset.fingerprint },
        { kind: 'dataset', id: `sha256:${'2'.repeat(64)}`, digest: `sha256:${'2'.repeat(64)}` },
      ]),
    );
    expect(graph.edges.map(({ from, relation, to }) => `${from.kind} ${relation} ${to.kind} ${to.id.slice(-7)}`).sort()).toEqual([
      `model-version derivedFrom run ${run.id.slice(-7)}`,
      'model-version evaluatedOn dataset 2222222',
      'model-version used dataset january',
      'run used code c0ffee',
      'run used dataset january',
    ]);
    await tracker.deleteRun(run.id);
    await tracker.purgeDeleted({ olderThan: 0 });
    expect((await registry.lineage('flight-delay@1')).nodes.map(({ kind }) => kind)).not.toContain('code');
  });

  it('leads from a dataset to everything that it touched', async () => {
    const { registry, storage } = await registryWith(0);
    const tracker = new Tracker({ storage });
    const { run, dataset } = await tracker.withRun({ experiment: 'delays' }, async (each) => {
      return { run: each, dataset: await each.logDataset({ name: 'january', role: 'training', rows: [{ x: 1 }, { x: 2 }] }) };
    });
    await registry.registerVersion('flight-delay', { files: { f: 'x' }, run });
    await registry.registerVersion('flight-delay', { files: { f: 'y' } });
    await registry.createModel('other');
    await registry.registerVersion('other', { files: { f: 'z' }, datasets: [{ dataset: dataset.fingerprint, role: 'test' }] });
    await registry.recordEvaluation('flight-delay@2', { dataset: { digest: dataset.fingerprint, name: `january, ${'again and '.repeat(20)}again` }, metrics: { auc: 0.8 } });
    const touched = (graph: LineageGraph): string[] => graph.nodes.map(({ kind, id, version }) => `${kind} ${kind === 'dataset' ? id.slice(0, 7) : kind === 'run' ? '' : id}${version ?? ''}`).sort();
    // By its name, what was recorded under that name; by its fingerprint, under all of them.
    expect(touched(await registry.impact(dataset))).toEqual(['dataset january', 'model-version flight-delay1', 'run ']);
    expect(touched(await registry.impact(dataset.fingerprint))).toEqual([
      'dataset january', 'dataset january', 'dataset sha256:', 'model-version flight-delay1', 'model-version flight-delay2', 'model-version other1', 'run ',
    ]);
    expect(await registry.impact(`sha256:${'0'.repeat(64)}`)).toEqual({ nodes: [], edges: [] });
    await expect(registry.impact('january')).rejects.toMatchObject({ code: 'validation' });
  });

  it('does not follow another contents of the same name', async () => {
    const { registry, storage } = await registryWith(0);
    await registry.registerVersion('flight-delay', { files: { f: 'x' }, dataset: { name: 'january', digest: january } });
    const other = { kind: 'dataset', id: 'january', digest: `sha256:${'9'.repeat(64)}` } as const;
    await storage.write(lineageOperations([{ from: other, relation: 'derivedFrom', to: { kind: 'run', id: 'unrelated' }, at: 1 }]));
    expect((await registry.lineage('flight-delay@1')).nodes.map((node) => node.id)).toEqual(['flight-delay', 'january']);
  });
});
