import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';
import { storeWithRuns } from './stores.ts';

const temporaryDirectory = temporaryDirectories();

test('compare shows what differs, and with --all the rest; one run is too few', async () => {
  const { store, ids } = await storeWithRuns(temporaryDirectory());
  const differences = await cli(['runs', 'compare', ...ids, '-s', store]);
  expect(differences.stdout).toMatch(/lr +≠ +0\.1 +0\.01/);
  expect(differences.stdout).toMatch(/loss +≠ +0\.5 +0\.25/);
  expect(differences.stdout).not.toContain('layers');
  expect((await cli(['runs', 'compare', ...ids, '--all', '-s', store])).stdout).toMatch(/layers +=/);
  expect((await cli(['runs', 'compare', ...ids, '--json', '-s', store])).json().params[0]).toMatchObject({ name: 'lr', verdict: 'different', values: [0.1, 0.01] });
  expect(await cli(['runs', 'compare', ids[0], '-s', store])).toMatchObject({ code: 1, stdout: '' });
});

test.each([['jsonl', []], ['csv', ['--format', 'csv']]])('runs exported as %s come back equal in another store, and once', async (format, options) => {
  const directory = temporaryDirectory();
  const { store, ids } = await storeWithRuns(directory);
  const exported = await cli(['runs', 'export', ...options, '-o', `runs.${format}`, '-s', store], { directory });
  expect(exported).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect((await readdir(directory)).sort()).toEqual([`runs.${format}`, 'store']);
  const piped = await cli(['runs', 'export', ...options, '-s', store]);
  expect(piped.stdout).toBe(await readFile(join(directory, `runs.${format}`), 'utf8'));

  const dry = await cli(['runs', 'import', `runs.${format}`, '-e', 'flights', '--dry-run', '-s', 'copy'], { directory });
  expect(dry.stdout).toContain('2 runs with 2 points would be imported');
  expect(await readdir(directory)).not.toContain('copy');
  expect((await cli(['runs', 'import', `runs.${format}`, '-e', 'flights', '-s', 'copy'], { directory })).stdout).toContain('2 runs with 2 points imported, 0 unchanged');
  expect((await cli(['runs', 'import', `runs.${format}`, '-e', 'flights', '-s', 'copy'], { directory })).stdout).toContain('0 runs with 0 points imported, 2 unchanged');
  const copied = (await cli(['runs', 'ls', '--json', '-s', 'copy'], { directory })).json();
  expect(copied.items.map((run: { metrics: { loss: { value: number } } }) => run.metrics.loss.value).sort()).toEqual([0.25, 0.5]);
  if (format === 'jsonl') expect(copied.items.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
});

test('an MLflow directory is recognised, and what is damaged in it is told and ends with 1', async () => {
  const directory = temporaryDirectory();
  const run = join(directory, 'mlruns', '1', '0f3c');
  await mkdir(join(run, 'metrics'), { recursive: true });
  await writeFile(join(directory, 'mlruns', '1', 'meta.yaml'), "experiment_id: '1'\nname: flight-delay\n");
  await writeFile(join(run, 'meta.yaml'), 'run_id: 0f3c\nrun_name: first\nstart_time: 1700000000000\nend_time: 1700000001000\nstatus: 3\n');
  await writeFile(join(run, 'metrics', 'loss'), '1700000000000 0.5 0\n1700000000000 half 1\n');
  const { code, stdout } = await cli(['runs', 'import', 'mlruns', '-s', 'store'], { directory });
  expect(code).toBe(1);
  expect(stdout).toContain('1 run with 1 point imported');
  expect(stdout).toMatch(/Damaged: .*metrics\/loss at byte 20/);
});

test('what is not there, or is of no known format, is said', async () => {
  const directory = temporaryDirectory();
  await writeFile(join(directory, 'runs.xml'), '<x/>');
  expect((await cli(['runs', 'import', 'nothing', '-s', 'store'], { directory })).stderr).toContain(`There is nothing at ${join(directory, 'nothing')}`);
  expect(await cli(['runs', 'import', 'runs.xml', '-s', 'store'], { directory })).toMatchObject({ code: 2 });
  expect(await readdir(directory)).toEqual(['runs.xml']);
});

test('points without a time are imported when it is told when their run began', async () => {
  const directory = temporaryDirectory();
  await writeFile(join(directory, 'points.csv'), 'metric,step,value\nloss,1,0.5\n');
  const untold = await cli(['runs', 'import', 'points.csv', '-s', 'store'], { directory });
  expect(untold).toMatchObject({ code: 1, stdout: '', stderr: "modelkeep: points.csv does not say when run 'points' started; give --started-at TIME. [validation]\n" });
  // A day that no month has is not taken for one of the next.
  for (const day of ['May', '2026-02-30', '2026-02-30T06:00:00Z']) expect((await cli(['runs', 'import', 'points.csv', '-s', 'store', '--started-at', day], { directory })).stderr).toContain(`--started-at is '${day}'; give a time in ISO 8601`);
  for (const counts of ['1 run with 1 point imported, 0 unchanged', '0 runs with 0 points imported, 1 unchanged']) expect((await cli(['runs', 'import', 'points.csv', '-s', 'store', '--started-at', '2026-01-31'], { directory })).stdout).toContain(counts);
  // Of other files it is not passed over in silence.
  await mkdir(join(directory, 'mlruns'));
  expect(await cli(['runs', 'import', 'mlruns', '-s', 'store', '--started-at', '2026-01-31'], { directory })).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--started-at is for runs of JSONL or CSV, and mlruns is of mlflow') });
  expect((await cli(['runs', 'ls', '--json', '-s', 'store'], { directory })).json().items).toMatchObject([{ experiment: 'points', startedAt: Date.parse('2026-01-31T00:00:00Z') }]);
});
