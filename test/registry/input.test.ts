import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, gates, type Policy } from 'modelkeep';

const who = { by: 'tester', reason: 'because' };
let storage: MemoryStorage;
let registry: Registry;

beforeEach(async () => {
  storage = new MemoryStorage();
  registry = new Registry({ storage });
  await registry.createModel('m');
  await registry.registerVersion('m', { files: { f: 'x' } });
});

async function refused(call: () => Promise<unknown>, message: string | RegExp, code = 'validation'): Promise<void> {
  const before = await registry.history('m');
  const blobs = (await storage.list({ kind: 'blob' })).entries.length;
  await expect(call()).rejects.toMatchObject({ code, message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message) });
  expect(await registry.history('m')).toEqual(before);
  expect((await storage.list({ kind: 'blob' })).entries).toHaveLength(blobs);
}

const surrogate = String.fromCharCode(0xd800);

describe('names that are none', () => {
  it.each([
    ['', 'is empty'],
    [' m', 'white space'],
    ['m\n', 'white space'],
    ['a\u0007b', 'control character'],
    ['a\u2028b', 'control character'],
    ['x'.repeat(251), 'longer than 250'],
    [surrogate, 'lone surrogate'],
    [undefined as never, 'not a text'],
    [7 as never, 'not a text'],
  ])('%j', async (name, message) => {
    await refused(() => registry.createModel(name), message);
    await refused(() => registry.registerVersion(name, { files: { f: 'x' } }), message);
  });
});

describe('file paths that could leave their directory', () => {
  it.each([
    ['', 'is empty'],
    ['/etc/passwd', 'not relative'],
    ['C:/windows', 'not relative'],
    ['c:evil', 'not relative'],
    ['../secret', "'.' or '..'"],
    ['a/../../b', "'.' or '..'"],
    ['a/./b', "'.' or '..'"],
    ['.', "'.' or '..'"],
    ['a//b', 'empty part'],
    ['a/', 'empty part'],
    ['a\\b', 'backslash'],
    ['a\u0000b', 'control character'],
    ['a\nb', 'control character'],
    [surrogate, 'lone surrogate'],
    ['x'.repeat(1025), 'longer than 1024'],
  ])('%j', async (path, message) => {
    await refused(() => registry.registerVersion('m', { files: { good: 'x', [path]: 'y' } }), message);
  });

  it('a file that would have to be a directory too', async () => {
    await refused(() => registry.registerVersion('m', { files: { a: 'x', 'a/b': 'y' } }), '"a/b" lies in "a"');
  });

  it('all others will do', async () => {
    const files = Object.fromEntries(['模型/é.bin', '..a', 'a..b', '...', 'a b', '__proto__x', 'constructor', '.hidden/x', 'ａ：'].map((path) => [path, path]));
    files['dir/__proto__'] = 'own';
    await registry.registerVersion('m', { files });
    const loaded = await registry.load('m@2');
    for (const path of Object.keys(files)) expect(new TextDecoder().decode(await loaded.file(path))).toBe(files[path]);
  });
});

describe('contents that are none', () => {
  it.each([
    [{}, 'files is empty'],
    [undefined, 'files is not an object'],
    [['x'], 'files is not an object'],
    [{ f: 7 }, 'files["f"] is not content'],
    [{ f: null }, 'files["f"] is not content'],
    [{ f: surrogate }, 'lone surrogate'],
  ])('%j', async (files, message) => {
    await refused(() => registry.registerVersion('m', { files: files as never }), message);
  });

  it('a stream of something else than bytes', async () => {
    async function* texts(): AsyncGenerator<string> {
      yield 'text';
    }
    await refused(() => registry.registerVersion('m', { files: { f: texts() as never } }), /Uint8Array/);
  });

  it('one stream for two files', async () => {
    const stream = new Blob(['x']).stream();
    stream.getReader();
    await refused(() => registry.registerVersion('m', { files: { f: stream } }), 'someone else is reading');
  });

  it('more files than a record can list', async () => {
    const small = new Proxy(storage, { get: (target, name) => (name === 'supports' ? { ...target.supports, maxRecordBytes: 4_096 } : Reflect.get(target, name, target)) as unknown });
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 'x']));
    await refused(() => new Registry({ storage: small }).registerVersion('m', { files }), 'pack them');
  });
});

describe('references', () => {
  it.each(['m', 'm@', '@1', '', 'm@0', 'm@01', 'm@-1', 'm@1.5', 'm@v1', 'm@a b', 'm@archived', 'm@Latest', undefined as never])('that point nowhere: %j', async (ref) => {
    await refused(() => registry.load(ref), 'does not point at a version');
  });

  it.each([
    ['m@2', 'has no version 2; its newest is 1'],
    ['m@champion', 'has no alias "champion"; it has none'],
    ['m@999999999', 'has no version 999999999'],
    ['m@production', 'No version of "m" is in production'],
    ['other@1', 'Model "other" does not exist'],
  ])('to what is not there: %j', async (ref, message) => {
    await refused(() => registry.load(ref), message, 'not-found');
    await refused(() => registry.promote(ref, 'staging', who), message, 'not-found');
    await refused(() => registry.recordEvaluation(ref, { dataset: `sha256:${'a'.repeat(64)}`, metrics: { auc: 1 } }), message, 'not-found');
  });

  it('to the latest of none', async () => {
    await registry.createModel('empty');
    await refused(() => registry.load('empty@latest'), 'has no version yet', 'not-found');
    await refused(() => registry.load('empty@1'), 'it has none yet', 'not-found');
  });
});

describe('options', () => {
  const promote = (options: object) => () => registry.promote('m@1', 'production', options as never);
  const evaluate = (options: object) => () => registry.recordEvaluation('m@1', options as never);
  const dataset = `sha256:${'a'.repeat(64)}`;
  it.each<[string, () => Promise<unknown>, string]>([
    ['no one', promote({ reason: 'r' }), 'options.by is missing'],
    ['an empty reason', promote({ by: 'b', reason: '' }), 'options.reason must not be empty'],
    ['a misspelt one', promote({ ...who, forced: true }), 'unknown options: forced'],
    ['a stage that is none', () => registry.promote('m@1', 'prod' as never, who), 'stage must be one of'],
    ['a version expected where many are', () => registry.promote('m@1', 'archived', { ...who, from: 1 }), "options.from: 'archived' holds any number of versions"],
    ['an expected version that is no number', promote({ ...who, from: 'none' }), 'options.from'],
    ['a rollback for no reason', () => registry.rollback('m', { by: 'b' } as never), 'options.reason is missing'],
    ['a metric that is a text', evaluate({ dataset, metrics: { auc: '0.8' } }), 'options.metrics.auc must be a number'],
    ['no metrics', evaluate({ dataset, metrics: {} }), 'options.metrics is empty'],
    ['no dataset', evaluate({ metrics: { auc: 1 } }), 'options.dataset is undefined'],
    ['a dataset by name', evaluate({ dataset: 'february', metrics: { auc: 1 } }), 'does not identify a dataset'],
    ['a dataset with half a digest', evaluate({ dataset: { digest: 'sha256:12' }, metrics: { auc: 1 } }), 'does not identify a dataset'],
    ['an option that is none', () => registry.registerVersion('m', { files: { f: 'y' }, license: 'MIT' } as never), 'unknown options: license'],
    ['a tag that is no text', () => registry.createModel('n', { tags: { a: 1 } as never }), 'options.tags.a must be a string'],
    ['a page of none', () => registry.listModels({ limit: 0 }), 'options.limit must be at least 1'],
    ['a page after nothing', () => registry.listVersions('m', { after: 'x' }), 'no page gave'],
  ])('%s', async (_name, call, message) => refused(call, message));

  it('a gate function that is none', () => {
    expect(() => new Registry(undefined as never)).toThrow('options is missing');
    expect(() => new Registry({ storage: {} as never })).toThrow('options.storage must be a storage, such as new MemoryStorage()');
    expect(() => new Registry({ storage, gate: {} } as never)).toThrow('options has unknown options: gate');
    expect(() => new Registry({ storage, gates: { smoke: 'yes' as never } })).toThrow('options.gates.smoke must be a function');
  });
});

describe('gates that make no sense', () => {
  it.each<[string, () => unknown, string]>([
    ['asking for nothing', () => gates.metric('auc', { goal: 'maximize' }), 'asks for nothing'],
    ['impossible', () => gates.metric('auc', { goal: 'maximize', min: 1, max: 0 }), 'can never pass'],
    ['tolerant of nothing', () => gates.metric('auc', { goal: 'maximize', min: 1, tolerance: 1 }), 'nothing to compare with'],
    ['of negative tolerance', () => gates.metric('auc', { goal: 'maximize', notWorseThan: 'production', tolerance: -1 }), 'tolerance must be at least 0'],
    ['without a bound that is a number', () => gates.metric('auc', { goal: 'maximize', min: NaN }), 'gates.metric.min'],
    ['without a goal', () => gates.metric('auc', { min: 1 } as never), 'gates.metric.goal must be one of'],
    ['without a name', () => gates.custom(''), 'gates.custom.name must not be empty'],
    ['with an option of another name', () => gates.custom('smoke', { timout: '1s' } as never), 'gates.custom has unknown options: timout'],
    ['with no options at all', () => gates.custom('smoke', null as never), 'gates.custom must be an object'],
    ['that would look at another metric', () => gates.metric('auc', { goal: 'maximize', min: 0, metric: 'loss' } as never), 'gates.metric has unknown options: metric'],
    ['with a bad timeout', () => gates.custom('smoke', { timeout: 'soon' as never }), 'timeout is "soon"'],
  ])('%s', (_name, make, message) => {
    expect(make).toThrow(message);
  });

  it.each<[Policy, string]>([
    [{ production: [{ gate: 'metric', metric: 'auc', goal: 'maximize' }] }, 'policy.production[0] asks for nothing'],
    [{ production: [gates.integrity(), { gate: 'magic' } as never] }, 'policy.production[1] is {"gate":"magic"}, which is no gate'],
    [{ production: [gates.metric('auc', { goal: 'maximize', notWorseThan: 'other@1' })] }, 'numbered version of "m"'],
    [{ production: [gates.metric('auc', { goal: 'maximize', notWorseThan: 'm@latest' })] }, 'numbered version of "m"'],
    [{ production: [gates.metric('auc', { goal: 'maximize', notWorseThan: 'champion' })] }, 'does not point at a version'],
    [{ archived: [gates.integrity()] } as never, 'unknown options: archived'],
    [undefined as never, 'policy'],
  ])('in a policy: %j', async (policy, message) => {
    await refused(() => registry.setPolicy('m', policy), message);
    expect((await registry.getModel('m')).policy).toEqual({});
  });
});
