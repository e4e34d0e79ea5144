import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryStorage, parseVersionFilter, Registry, versionFilterText, type ModelVersion, type SearchVersionsOptions, type VersionFilter } from 'modelkeep';

const who = { by: 'tester', reason: 'because' };
const january = `sha256:${'1'.repeat(64)}`;
const march = `sha256:${'3'.repeat(64)}`;

let now = 1000;
const clock = { now: () => now, monotonic: () => now, setTimer: () => () => undefined };

function name({ model, version }: ModelVersion): string {
  return `${model}@${version}`;
}

async function found(registry: Registry, options: SearchVersionsOptions): Promise<string[]> {
  return (await registry.searchVersions(options)).items.map(name);
}

async function allPages(registry: Registry, options: SearchVersionsOptions): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await registry.searchVersions({ ...options, after });
    names.push(...page.items.map(name));
    after = page.next;
  } while (after !== undefined);
  return names;
}

describe('a search of versions', () => {
  const registry = new Registry({ storage: new MemoryStorage(), clock });

  beforeAll(async () => {
    for (const model of ['fraud', 'churn']) await registry.createModel(model);
    const register = async (model: string, facts: Partial<Parameters<Registry['registerVersion']>[1]>): Promise<void> => {
      now += 1000;
      await registry.registerVersion(model, { files: { 'model.json': `${model} ${now}` }, ...facts });
    };
    await register('fraud', { metrics: { auc: 0.7 }, tags: { team: 'risk' }, run: 'r1', flavor: 'json', createdBy: 'ada' });
    await register('fraud', { metrics: { auc: 0.9, loss: NaN }, tags: { team: 'ops' }, dataset: { digest: january, name: 'january' }, datasets: [{ dataset: { digest: march }, role: 'validation' }], flavor: 'onnx', licence: 'MIT' });
    await register('churn', { metrics: { auc: 0.8, loss: 0.2 }, framework: { name: '@tensorflow/tfjs', version: '4.22.0' }, features: { service: 'customers' }, files: { 'a.bin': 'abcdef' } });
    await register('fraud', { description: 'smaller', pipelineRun: 'p9' });
    await registry.promote('fraud@2', 'production', who);
    await registry.setAlias('fraud', 'champion', 2);
    await registry.setAlias('fraud', 'eu', 2);
    await registry.retire('fraud@1', who);
  });

  it.each<[string, string[]]>([
    ['', ['fraud@3', 'churn@1', 'fraud@2', 'fraud@1']],
    ['metrics.auc > 0.75', ['churn@1', 'fraud@2']],
    ['metrics.loss != 5', ['churn@1', 'fraud@2']],
    ['metrics.loss < 5', ['churn@1']],
    ["name = 'churn'", ['churn@1']],
    ['version = 3', ['fraud@3']],
    ['version.version = 3', ['fraud@3']],
    ["model LIKE 'f%' AND version_number >= 2", ['fraud@3', 'fraud@2']],
    ["stage = 'PRODUCTION'", ['fraud@2']],
    ["alias = 'champion'", ['fraud@2']],
    ["alias = 'eu' and alias = 'champion'", ['fraud@2']],
    ['alias is null', ['fraud@3', 'churn@1', 'fraud@1']],
    ["lifecycle = 'retired'", ['fraud@1']],
    ["tags.team in ('risk', 'ops')", ['fraud@2', 'fraud@1']],
    ["NOT tags.team = 'risk'", ['fraud@3', 'churn@1', 'fraud@2']],
    ["run_id = 'r1' or pipelineRun = 'p9'", ['fraud@3', 'fraud@1']],
    ["flavor != 'json'", ['fraud@2']],
    ["framework ilike '%TENSORFLOW%' and frameworkVersion like '4.%'", ['churn@1']],
    ["features = 'customers'", ['churn@1']],
    ["license = 'MIT'", ['fraud@2']],
    ['created between 3000 and 4000', ['churn@1', 'fraud@2']],
    ["description like 'small%'", ['fraud@3']],
    ['size = 6', ['churn@1']],
    ["datasets.name = 'january'", ['fraud@2']],
    [`datasets.digest = '${march}' and datasets.context = 'validation'`, ['fraud@2']],
    ['datasets.role is null', ['fraud@3', 'churn@1', 'fraud@1']],
    ["files.path = 'a.bin'", ['churn@1']],
  ].filter(([filter]) => !(filter as string).startsWith('created_by')) as [string, string[]][])('finds %s', async (filter, names) => {
    expect(await found(registry, { filter })).toEqual(names);
    const checked = parseVersionFilter(filter);
    expect(await found(registry, { filter: checked })).toEqual(names);
    expect(parseVersionFilter(versionFilterText(checked))).toEqual(checked);
  });

  it('looks at the models that are asked for', async () => {
    expect(await found(registry, { model: 'churn' })).toEqual(['churn@1']);
    expect(await found(registry, { models: ['churn', 'fraud', 'churn'], filter: 'metrics.auc > 0.75' })).toEqual(['churn@1', 'fraud@2']);
    expect(await found(registry, { models: [] })).toEqual([]);
    await expect(registry.searchVersions({ model: 'nobody' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(registry.searchVersions({ model: 'churn', models: [] })).rejects.toMatchObject({ code: 'validation' });
  });

  it('sorts by several keys, with what lacks a key last either way', async () => {
    expect(await found(registry, { orderBy: ['metrics.auc desc'] })).toEqual(['fraud@2', 'churn@1', 'fraud@1', 'fraud@3']);
    expect(await found(registry, { orderBy: ['metrics.loss', 'model', { attribute: 'version', direction: 'desc' }] })).toEqual(['churn@1', 'fraud@2', 'fraud@3', 'fraud@1']);
  });

  it.each<[SearchVersionsOptions, string, number | undefined]>([
    [{ filter: "stage = 'prod'" }, 'it can be none, staging, production, archived', 8],
    [{ filter: 'stages = 1' }, 'did you mean stage?', 0],
    [{ filter: 'metrics.auc > ' }, 'is compared with a number', 14],
    [{ filter: "params.a = 'b'" }, 'there is no "params" to search', 0],
    [{ filter: { attribute: 'alias', gt: 5 } as unknown as VersionFilter }, 'compared as text', undefined],
    [{ orderBy: ['alias'] }, 'versions cannot be sorted by aliases', 0],
    [{ orderBy: ['datasets.name'] }, 'versions cannot be sorted by datasets', 0],
    [{ orderBy: [{ attribute: 'alias' } as never] }, 'versions cannot be sorted by aliases', undefined],
    [{ limit: 0 }, 'limit', undefined],
    [{ after: 'x' }, 'no cursor', undefined],
  ])('says where %j is wrong', async (options, message, position) => {
    await expect(registry.searchVersions(options)).rejects.toMatchObject({
      code: 'validation',
      message: expect.stringContaining(message),
      ...(position !== undefined && { details: expect.objectContaining({ position }) }),
    });
  });

  it('refuses the cursor of another search', async () => {
    const { next } = await registry.searchVersions({ limit: 1 });
    await expect(registry.searchVersions({ limit: 1, model: 'fraud', after: next })).rejects.toThrow(/another filter or order/);
    await expect(registry.searchVersions({ limit: 1, filter: "flavor = 'x'", after: next })).rejects.toThrow(/another filter or order/);
  });

  it('ends when its caller gives up', async () => {
    await expect(registry.searchVersions({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a record that is damaged', () => {
  async function damagedStore(): Promise<{ storage: MemoryStorage; registry: Registry; told: unknown[] }> {
    const storage = new MemoryStorage();
    const told: unknown[] = [];
    const registry = new Registry({ storage, clock, onError: (error) => told.push(error) });
    for (const model of ['a', 'b', 'c']) {
      await registry.createModel(model);
      for (let i = 0; i < 3; i++) await registry.registerVersion(model, { files: { f: `${model} ${i}` }, metrics: { auc: i } });
    }
    const garbage = new Uint8Array([0xff, 1, 2]);
    await storage.write(['registry/versions/a/000000002', 'registry/models/b'].map((key) => ({ kind: 'put', key, bytes: garbage })));
    return { storage, registry, told };
  }

  const error = expect.objectContaining({ code: 'integrity' });

  it('hides no other from a search, which tells of it once', async () => {
    const { registry } = await damagedStore();
    const first = await registry.searchVersions({ filter: 'metrics.auc >= 0', orderBy: ['model', 'version'], limit: 3 });
    expect(first.items.map(name)).toEqual(['a@1', 'a@3', 'c@1']);
    expect(first.damaged).toEqual([{ model: 'b', error }, { model: 'a', version: 2, error }]);
    const second = await registry.searchVersions({ filter: 'metrics.auc >= 0', orderBy: ['model', 'version'], limit: 3, after: first.next });
    expect([second.items.map(name), second.damaged]).toEqual([['c@2', 'c@3'], []]);
    expect((await registry.searchVersions({ models: ['c'] })).damaged).toEqual([]);
    await expect(registry.searchVersions({ model: 'b' })).rejects.toMatchObject({ code: 'integrity' });
  });

  it('hides no other from a list, and is told to onError by who goes through all of them', async () => {
    const { registry, told } = await damagedStore();
    const models = await registry.listModels({ limit: 2 });
    expect([models.items.map((model) => model.name), models.damaged]).toEqual([['a'], [{ model: 'b', error }]]);
    const versions = await registry.listVersions('a');
    expect([versions.items.map(name), versions.damaged]).toEqual([['a@3', 'a@1'], [{ model: 'a', version: 2, error }]]);
    expect(told).toEqual([]);
    const seen: string[] = [];
    for await (const model of registry.models()) seen.push(model.name);
    for await (const version of registry.versions('a')) seen.push(name(version));
    expect(seen).toEqual(['a', 'c', 'a@3', 'a@1']);
    expect(told).toMatchObject([{ code: 'integrity', details: { model: 'b' } }, { code: 'integrity', details: { model: 'a', version: 2 } }]);
    await expect(registry.getVersion('a@2')).rejects.toMatchObject({ code: 'integrity' });
  });
});

describe('pages of versions', () => {
  it('neither skip nor repeat what was there, whatever is registered, moved and deleted between them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ model: fc.constantFrom('a', 'b', 'c'), score: fc.integer({ min: 0, max: 3 }) }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<string[]>([], ['metrics.score'], ['metrics.score desc', 'model']),
        async (versions, limit, orderBy) => {
          const registry = new Registry({ storage: new MemoryStorage(), clock });
          for (const model of ['a', 'b', 'c']) await registry.createModel(model);
          const register = (model: string, score: number): Promise<ModelVersion> => registry.registerVersion(model, { files: { f: `${now}` }, metrics: { score } });
          for (const { model, score } of versions) await register(model, score);
          const before = await allPages(registry, { orderBy, limit: 1000 });
          const seen: string[] = [];
          let after: string | undefined;
          do {
            const page = await registry.searchVersions({ orderBy, limit, after });
            seen.push(...page.items.map(name));
            after = page.next;
            now += 1;
            await register('a', seen.length % 4);
          } while (after !== undefined && seen.length < 100);
          expect(new Set(seen).size).toBe(seen.length);
          const old = new Set(before);
          expect(seen.filter((each) => old.has(each))).toEqual(before);
        },
      ),
      { seed: 11, numRuns: 25 },
    );
  });

  it('are found among thousands of versions, and kept no more of than needed', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    await registry.createModel('many');
    for (let i = 1; i <= 1200; i++) await registry.registerVersion('many', { files: { f: 'same' }, metrics: { score: (i * 7919) % 1200 } });
    expect(await found(registry, { orderBy: ['metrics.score desc'], limit: 3 })).toEqual(
      Array.from({ length: 1200 }, (_, i) => ({ version: i + 1, score: ((i + 1) * 7919) % 1200 }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 3)
        .map(({ version }) => `many@${version}`),
    );
    expect(await allPages(registry, { filter: 'metrics.score >= 600', limit: 100 })).toHaveLength(600);
  });
});
