import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type EnvironmentRecord, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import type { RunDetails } from '../../src/tracking/comparison/run-details.ts';
import { quoteCommand } from '../../src/tracking/reproduction/quote-command.ts';
import { reproductionOf } from '../../src/tracking/reproduction/reproduction.ts';
import { verifyReproductionOf } from '../../src/tracking/reproduction/verify-reproduction.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { detailsOf, environmentOf, runWith } from './run-details.ts';

const directory = temporaryDirectories();
const digest = `sha256:${'a'.repeat(64)}`;

const sound: EnvironmentRecord = {
  runtime: 'node',
  runtimeVersion: '22.11.0',
  platform: 'linux',
  architecture: 'x64',
  lockfile: { name: 'package-lock.json', digest },
  packages: { zod: '4.0.0' },
  code: {
    commit: 'c0ffee',
    branch: 'main',
    remote: 'https://git.example.test/team/flights.git',
    dirty: false,
    entry: 'train.js',
    command: ['node', '/srv/flights/train.js', '--note', "it's a try", '--lr=0.1'],
  },
};

interface Made {
  readonly environment?: EnvironmentRecord;
  readonly params?: Record<string, string | number | boolean>;
  readonly metrics?: Record<string, number>;
  readonly artifact?: string;
  readonly row?: number;
}

async function made(storage: StorageAdapter, { environment = sound, params = { seed: 7, lr: 0.1 }, metrics = { loss: 0.5, nan: NaN }, artifact = 'weights', row = 1 }: Made = {}): Promise<RunDetails> {
  const tracker = new Tracker({ storage, environment: environmentOf(environment) });
  return tracker.withRun({ experiment: 'e', params }, async (run) => {
    run.logMetrics(metrics, { step: 3 });
    await run.logDataset({ name: 'flights', role: 'training', source: 's3://data/flights.csv', rows: [{ a: row }] });
    await run.logArtifact('model.bin', artifact);
    await run.end();
    return detailsOf(tracker, run.id);
  });
}

const codes = (details: RunDetails): string[] => reproductionOf(details).warnings.map(({ code }) => code);

function withCode(details: RunDetails, code: NonNullable<EnvironmentRecord['code']>): RunDetails {
  return { ...details, environment: { ...details.environment!, code: { ...details.environment!.code, ...code } } };
}

describe('a reproduction', () => {
  for (const [where, open] of [['memory', () => new MemoryStorage()], ['a directory', () => new FilesystemStorage(directory())]] as const) {
    it(`of a sound run in ${where} is a recipe without warnings that a person can follow`, async () => {
      const storage = open();
      const details = await made(storage);
      const recipe = reproductionOf(details);
      const fingerprint = details.datasets[0]!.fingerprint;
      expect(recipe).toMatchObject({
        run: details.run.id,
        commit: 'c0ffee',
        branch: 'main',
        params: { seed: 7, lr: 0.1 },
        seed: { value: 7, from: 'param seed' },
        datasets: [{ name: 'flights', role: 'training', fingerprint, source: 's3://data/flights.csv' }],
        environment: { runtimeVersion: '22.11.0', lockfile: { digest } },
        parents: [],
        warnings: [],
      });
      expect(recipe.environment).not.toHaveProperty('code');
      expect(recipe.steps).toEqual([
        'git clone https://git.example.test/team/flights.git run && cd run',
        'git checkout c0ffee',
        'Use node 22.11.0 on linux x64.',
        `Check that package-lock.json has the digest ${digest}.`,
        'npm ci',
        `Get dataset 'flights' for training from s3://data/flights.csv and check that its fingerprint is ${fingerprint}.`,
        'Seed with 7, as recorded by param seed.',
        "node train.js --note 'it'\\''s a try' --lr=0.1",
      ]);
      await storage.close();
    });
  }

  it('warns of everything that is not known', () => {
    expect(codes({ run: runWith('1', {}), datasets: [], artifacts: [], models: [] })).toEqual(['no-environment', 'no-commit', 'no-command', 'no-seed', 'no-datasets']);
    expect(codes({ run: { ...runWith('1', { tags: { 'train/random_seed': '3' } }), status: 'crashed' }, datasets: [], artifacts: [], models: [], environment: { runtime: 'browser' } })).toEqual([
      'not-finished',
      'no-commit',
      'no-command',
      'no-runtime-version',
      'no-lockfile',
      'no-datasets',
    ]);
  });

  it('tells a dirty tree with its diff from one with a part or none of it', async () => {
    const details = await made(new MemoryStorage());
    const patched = withCode(details, { dirty: true, diff: 'diff --git', diffTruncated: false });
    expect(codes(patched)).toEqual(['dirty-tree']);
    expect(reproductionOf(patched).steps[2]).toContain('git apply');
    expect(codes(withCode(details, { dirty: true, diff: 'diff', diffTruncated: true }))).toEqual(['dirty-tree-truncated-diff']);
    expect(codes(withCode(details, { dirty: true }))).toEqual(['dirty-tree-without-diff']);
    expect(codes(withCode(details, { dirty: true, diff: '' }))).toEqual(['dirty-tree-without-diff']);
  });

  it('warns of secrets taken out, scripts outside, and data that shuffle themselves', async () => {
    const details = await made(new MemoryStorage());
    expect(codes(withCode(details, { command: ['node', 'train.js', '--token', '[redacted]'] }))).toEqual(['command-redacted']);
    for (const entry of ['/tmp/train.js', '../train.js', 'C:\\train.js']) expect(codes(withCode(details, { entry }))).toEqual(['entry-outside']);
    expect(codes(withCode(details, { entry: 'train.js', entryTracked: true }))).toEqual([]);
    for (const entry of ['train.js', '/tmp/train.js']) expect(codes(withCode(details, { entry, entryTracked: false }))).toEqual(['entry-untracked']);
    expect(codes(withCode(details, { entry: '-' }))).toEqual(['entry-from-stdin']);
    const shuffled = (params: Record<string, string | boolean | number>): string[] => codes({ ...details, run: { ...details.run, params: { seed: 1, ...params } } });
    expect(shuffled({ 'fit/shuffle': true })).toEqual(['unseeded-shuffle']);
    expect(shuffled({ shuffle: 'batch' })).toEqual(['unseeded-shuffle']);
    expect(shuffled({ shuffle: false })).toEqual([]);
    expect(shuffled({ shuffle: true, shuffleSeed: 3 })).toEqual([]);
    const [dataset] = details.datasets;
    const { fingerprint: _, source: _source, ...bare } = dataset!;
    expect(codes({ ...details, datasets: [bare as typeof dataset & object] })).toEqual(['dataset-without-fingerprint', 'dataset-without-source']);
  });

  it('goes into the directory of the repository that it was started in, when the patch is applied at its top', async () => {
    const details = withCode(await made(new MemoryStorage()), { dirty: true, diff: 'diff --git', directory: 'packages/my app' });
    const recipe = reproductionOf(details);
    expect(recipe.directory).toBe('packages/my app');
    expect(recipe.steps.slice(2, 4)).toEqual([expect.stringContaining('git apply'), "cd 'packages/my app'"]);
    const other = withCode(details, { directory: 'packages/other' });
    expect(verifyReproductionOf(details, other).differences).toMatchObject([{ part: 'code', name: 'directory' }]);
  });

  it('takes the seed that the run was started with before all others', () => {
    const run = { ...runWith('1', { params: { seed: 2 }, tags: { seed: '3' } }), seed: 1 };
    expect(reproductionOf({ run, datasets: [], artifacts: [], models: [] }).seed).toEqual({ value: 1, from: 'run' });
  });

  it('quotes what a shell would take apart', () => {
    expect(quoteCommand(['a', '', 'b c', '$x', "d'e", '--f=g,h:i/j.k@l%'])).toBe("a '' 'b c' '$x' 'd'\\''e' --f=g,h:i/j.k@l%");
  });
});

describe('a check of a reproduction', () => {
  it('finds a repeated run the same, and says what else differs', async () => {
    const storage = new MemoryStorage();
    const original = await made(storage);
    expect(verifyReproductionOf(original, await made(storage))).toEqual({ reproduced: true, comparedMetrics: 2, differences: [] });
    const elsewhere = await made(storage, { environment: { ...sound, platform: 'darwin', code: { ...sound.code, commit: 'beef' } }, artifact: 'other weights', metrics: { loss: 0.5 * (1 + 1e-9), nan: NaN } });
    const check = verifyReproductionOf(original, elsewhere);
    expect(check.reproduced).toBe(true);
    expect(check.differences.map(({ part, name, decisive }) => [part, name, decisive])).toEqual([['artifacts', 'model.bin', false], ['code', 'commit', false], ['environment', 'platform', false]]);
    expect(verifyReproductionOf(original, elsewhere, { demand: ['metrics', 'artifacts'] })).toMatchObject({ reproduced: false, differences: [{ part: 'artifacts', decisive: true }, {}, {}] });
  });

  it('holds metrics to their tolerance, NaN to NaN, and leaves out what is ignored', async () => {
    const storage = new MemoryStorage();
    const original = await made(storage, { metrics: { loss: 0.5, acc: 0, nan: NaN, inf: Infinity, 'system/cpu': 3 } });
    const repeated = await made(storage, { metrics: { loss: 0.505, acc: 0.001, nan: 1, inf: Infinity, 'system/cpu': 9 } });
    const names = (options?: Parameters<typeof verifyReproductionOf>[2]): string[] => verifyReproductionOf(original, repeated, options).differences.map(({ name }) => name).sort();
    expect(names()).toEqual(['acc', 'loss', 'nan']);
    expect(names({ tolerance: 0.02 })).toEqual(['acc', 'nan']);
    expect(names({ tolerance: 0.02, metrics: { acc: { absolute: 0.01 } }, ignore: ['nan', 'system/'] })).toEqual([]);
    expect(names({ ignore: ['loss', 'nan', 'acc'] })).toEqual(['system/cpu']);
    expect(verifyReproductionOf(original, repeated).differences.find(({ name }) => name === 'loss')).toEqual({ part: 'metrics', name: 'loss', original: 0.5, repeated: 0.505, decisive: true });
  });

  it('demands the same params, data and status, and something to compare', async () => {
    const storage = new MemoryStorage();
    const original = await made(storage);
    const differing = async (change: Made): Promise<unknown> => {
      const { reproduced, differences } = verifyReproductionOf(original, await made(storage, change));
      return [reproduced, ...differences.map(({ part, name }) => `${part} ${name}`)];
    };
    expect(await differing({ params: { seed: 7, lr: 0.2 } })).toEqual([false, 'params lr']);
    expect(await differing({ row: 2 })).toEqual([false, 'datasets training']);
    expect(await differing({ metrics: { loss: 0.5 } })).toEqual([false, 'metrics nan']);
    expect(verifyReproductionOf(original, { ...original, run: { ...original.run, status: 'failed' } })).toMatchObject({ reproduced: false, differences: [{ part: 'status' }] });
    const silent = { ...original, run: { ...original.run, metrics: {} } };
    expect(verifyReproductionOf(silent, silent)).toEqual({ reproduced: false, comparedMetrics: 0, differences: [] });
    expect(verifyReproductionOf(silent, silent, { demand: ['artifacts'] }).reproduced).toBe(true);
  });

  it('refuses tolerances and parts that are none', async () => {
    const original = await made(new MemoryStorage());
    for (const tolerance of [-1, NaN, Infinity]) expect(() => verifyReproductionOf(original, original, { tolerance })).toThrow('tolerance');
    expect(() => verifyReproductionOf(original, original, { metrics: { loss: { absolute: -1 } } })).toThrow('metrics.loss');
    expect(() => verifyReproductionOf(original, original, { demand: ['weather' as 'code'] })).toThrow('weather');
  });
});
