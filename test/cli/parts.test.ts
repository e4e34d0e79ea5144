import { join } from 'node:path';
import { ABTest, FeatureStore, Pipeline, aggregate, featureService, featureView, onDemandView, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli, type CliOutcome } from './cli-host.ts';

const temporaryDirectory = temporaryDirectories();

const delays = featureView({ name: 'delays', entity: ['origin'], timestamp: 'date', features: { delay: 'float64', count_1d: aggregate.count({ window: '1d' }) } });
const request = onDemandView({
  name: 'request', version: '1', inputs: { delay: delays.feature('delay') }, request: { distance: 'float64' }, features: { pace: 'float64' },
  compute: ({ distance, delay }) => ({ pace: distance === null || delay === null ? null : distance / delay }),
});

test('features are listed, brought online and got as a model would be given them', async () => {
  const store = join(temporaryDirectory(), 'store');
  {
    await using storage = new FilesystemStorage(store);
    const features = new FeatureStore({ storage });
    await features.apply([delays, request, featureService({ name: 'served', features: ['delays:delay', 'request:*'] })]);
    await features.ingest('delays', [{ origin: 'ATL', date: new Date('2026-11-29T10:00:00Z'), delay: 20 }]);
  }
  const got = async (...line: string[]) => cli(['features', 'get', ...line, '-s', store], { modules: { 'mlops.js': { request } } });
  expect((await got('delays:delay', '-e', 'origin=ATL')).stdout).toMatch(/ATL +– NOT_FOUND/);
  expect((await cli(['features', 'materialize', 'delays', '-s', store])).stdout).toBe('delays: 1 row looked at, 1 entity changed.\n');
  expect((await got('delays:delay', '-e', 'origin=ATL', '-e', 'origin=JFK', '--json')).json().columns).toEqual({ origin: ['ATL', 'JFK'], delay: [20, null] });
  expect((await got('served', '-e', 'origin=ATL,distance=500', '-m', './mlops.js')).stdout).toMatch(/pace\n.*ATL +500 +20 +25/);
  expect((await got('served', '-e', 'origin=ATL,distance=500')).code).toBe(1);
  expect(await got('served')).toMatchObject({ code: 2 });
  expect(await got('served', '-e', 'ATL')).toMatchObject({ code: 2 });
  expect((await cli(['features', 'ls', '-s', store])).stdout).toMatch(/delays +2026-11-29 10:00:00/);
});

/** A pipeline whose second step fails until it may not. */
function retrain(storage: StorageAdapter, fails: () => boolean, calls: string[]): Pipeline {
  const pipeline = new Pipeline({ name: 'retrain', storage });
  const rows = pipeline.step('rows', {}, () => {
    calls.push('rows');
    return 3;
  });
  pipeline.step('train', { needs: { rows } }, () => {
    calls.push('train');
    if (fails()) throw new Error('no memory');
    return 1;
  });
  return pipeline;
}

test('runs of pipelines are listed and shown, and resumed with code of the user; what is done is not done again', async () => {
  const store = join(temporaryDirectory(), 'store');
  const calls: string[] = [];
  let id = '';
  {
    await using storage = new FilesystemStorage(store);
    id = (await retrain(storage, () => true, calls).run()).id;
    const nightly = new Pipeline({ name: 'a.b nightly', storage });
    nightly.step('only', {}, () => 1);
    await nightly.run();
  }
  const listed = await cli(['pipelines', 'ls', '--json', '-s', store]);
  expect(listed.json().items.map(({ pipeline }: { pipeline: string }) => pipeline).sort()).toEqual(['a.b nightly', 'retrain']);
  expect((await cli(['pipelines', 'ls', 'retrain', '--filter', "status = 'failed'", '-s', store])).stdout).toContain(id);
  expect((await cli(['pipelines', 'ls', 'retrian', '-s', store])).stderr).toContain("did you mean 'retrain'?");
  const shown = await cli(['pipelines', 'show', id, '-s', store]);
  expect(shown.stdout).toMatch(/rows +succeeded +1/);
  expect(shown.stdout).toMatch(/train +failed +1 .*no memory/);

  const resume = ['pipelines', 'resume', id, '-s', store];
  expect((await cli(resume)).stderr).toContain('This needs your code: --module FILE');
  let fails = true;
  const modules = { 'mlops.js': { pipelines: ({ storage }: { storage: StorageAdapter }) => [retrain(storage, () => fails, calls)] }, 'empty.js': {} };
  expect((await cli([...resume, '-m', 'empty.js'], { modules })).stderr).toContain("The module has no pipeline 'retrain'");
  expect(await cli([...resume, '-m', 'mlops.js'], { modules })).toMatchObject({ code: 1 });
  fails = false;
  calls.length = 0;
  const resumed = await cli([...resume, '-m', 'mlops.js', '--json'], { modules });
  expect(resumed.json()).toMatchObject({ id, pipeline: 'retrain', status: 'succeeded' });
  expect(resumed.code).toBe(0);
  expect(calls).toEqual(['train']);
  expect((await cli(['pipelines', 'show', id.replace(/.$/, (last) => (last === '0' ? '1' : '0')), '-s', store])).stderr).toContain('There is no pipeline run');
});

test('a test is analyzed: effects, sample ratio and what to do; a broken ratio ends with 3', async () => {
  const store = join(temporaryDirectory(), 'store');
  {
    await using storage = new FilesystemStorage(store);
    const options = { storage, variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }] } as const;
    for (const [name, share] of [['button', 1], ['broken', 0.5]] as const) {
      await using running = new ABTest({ ...options, name });
      for (let i = 0; i < 2000; i++) {
        const assigned = running.assign(`u${i}`);
        if (assigned.variant === 'B' && i % 2 >= share * 2) continue;
        running.expose(`u${i}`);
        running.record(`u${i}`, { converted: i % (assigned.variant === 'B' ? 2 : 10) === 0 ? 1 : 0 }, { id: `e${i}` });
      }
    }
  }
  expect((await cli(['ab', 'ls', '-s', store])).stdout).toBe('broken\nbutton\n');
  const analyzed = await cli(['ab', 'analyze', 'button', '-s', store]);
  expect(analyzed.stdout).toMatch(/converted +primary +B +\+\d+/);
  expect(analyzed.stdout).toContain('Sample ratio held');
  expect(analyzed.code).toBe(0);
  const broken = await cli(['ab', 'analyze', 'broken', '--json', '-s', store]);
  expect(broken.json()).toMatchObject({ sampleRatio: { status: 'mismatch' }, decision: { action: 'invalid' } });
  expect(broken.code).toBe(3);
});

test('a test is analyzed by a plan of looks, each by those before, and by no options of another method', async () => {
  const store = join(temporaryDirectory(), 'store');
  {
    await using storage = new FilesystemStorage(store);
    await using running = new ABTest({ storage, name: 'button', variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }] });
    for (let i = 0; i < 600; i++) {
      const { variant } = running.assign(`u${i}`);
      running.expose(`u${i}`);
      running.record(`u${i}`, { converted: i % (variant === 'B' ? 4 : 5) === 0 ? 1 : 0 }, { id: `e${i}` });
    }
  }
  const analyze = async (...line: string[]): Promise<CliOutcome> => cli(['ab', 'analyze', 'button', '--store', store, ...line]);
  const planned = ['--method', 'group-sequential', '--planned-units', '1200'];
  const first = await analyze(...planned);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('Look 1 of the plan, at 600 units (50 %). For the next one, add --earlier 600.');
  const second = await analyze(...planned, '--earlier', '200', '--earlier', '400', '--json');
  expect(second.json()).toMatchObject({ method: 'group-sequential', look: { number: 3, units: 600, fraction: 0.5 } });
  const intervals = async (...line: string[]): Promise<{ low: number; high: number }> => (await analyze(...line, '--json')).json().metrics[0].comparisons[0].difference;
  // Half of the level is spent early by Pocock, hardly any by O'Brien and Fleming.
  const [strict, even] = [await intervals(...planned), await intervals(...planned, '--spending', 'pocock')];
  expect(strict.high - strict.low).toBeGreaterThan(even.high - even.low);
  for (const [line, message] of [
    [['--method', 'group-sequential'], '--method group-sequential needs --planned-units N'],
    [['--earlier', '200'], '--earlier is for --method group-sequential'],
    [['--method', 'fixed', '--spending', 'pocock'], '--spending is for --method group-sequential'],
    [[...planned, '--earlier', 'many'], "--earlier is 'many'; give a whole number of at least 1."],
    [[...planned, '--earlier', '400', '--earlier', '200'], '--earlier[1] is 200, after 400'],
    [[...planned, '--earlier', '1200'], '--earlier[0] is 1200, and the plan ended with 1200 units'],
  ] as const) expect(await analyze(...line)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  // One look that was planned decides at its end and not before.
  expect((await analyze('--method', 'fixed', '--planned-units', '1200', '--json')).json()).toMatchObject({ method: 'fixed', decision: { action: 'keep running' } });
});
