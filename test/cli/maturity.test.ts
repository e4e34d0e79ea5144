import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry, maturityReports } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';
import { storeWithModel } from './stores.ts';

const temporaryDirectory = temporaryDirectories();

test('maturity tells levels, what keeps from the next and what to do first, and ends with 3 below --min-level', async () => {
  const parent = temporaryDirectory();
  const store = await storeWithModel(parent);
  const shown = await cli(['maturity', '-s', store]);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^Level 0 \(Google 0, Microsoft 0–1\)\. 1 of 1 models in production is at level 0: 'delay'\.\n\ndelay@1: level 0, \d+ of 26 checks pass\n\nCHECK/);
  expect(shown.stdout).toMatch(/\nT5 +fail +1 +0 of 2 versions name a run that is there\.\n/);
  expect(shown.stdout).not.toMatch(/^T7/m);
  expect(shown.stdout).toMatch(/\nNext, for level 1 \(T\d\): .{20}/);
  expect((await cli(['maturity', '--all', '-s', store])).stdout).toMatch(/^T7 +pass/m);
  expect(await cli(['maturity', '--min-level', '0', '-s', store])).toMatchObject({ code: 0 });
  const below = await cli(['maturity', '--min-level', '1', '--dry-run', '--json', '-s', store]);
  expect([below.code, below.json().level, below.json().models[0].checks.length]).toEqual([3, 0, 26]);
  await using storage = new FilesystemStorage(store);
  expect((await maturityReports({ storage })).items).toHaveLength(3);
});

test('maturity takes a policy and declarations from files, and refuses what is wrong', async () => {
  const parent = temporaryDirectory();
  const store = await storeWithModel(parent);
  await writeFile(join(parent, 'policy.json'), JSON.stringify({ version: 'ours/1', optional: ['T1', 'T2', 'T3', 'T4', 'T5', 'T6'] }));
  await writeFile(join(parent, 'declared.json'), JSON.stringify([{ statement: 'On call.', author: 'ada', expiresAt: 4e12 }]));
  await writeFile(join(parent, 'broken.json'), '{');
  const report = await cli(['maturity', '--policy', 'policy.json', '--attestations', 'declared.json', '--model', 'delay', '--json', '-s', store], { directory: parent });
  expect(report.json()).toMatchObject({ level: 1, policyVersion: 'ours/1', attestations: [{ status: 'valid' }] });
  expect(await cli(['maturity', '--min-level', '4', '-s', store])).toMatchObject({ code: 2 });
  expect(await cli(['maturity', '--policy', 'broken.json', '-s', store], { directory: parent })).toMatchObject({ code: 2, stderr: expect.stringContaining('which is no JSON') as string });
  expect(await cli(['maturity', '--window', '3 weeks', '-s', store])).toMatchObject({ code: 2, stderr: expect.stringContaining("--window is '3 weeks'") as string });
});

test('a model that cannot be read may be in production, so that no level is reached', async () => {
  const parent = temporaryDirectory();
  const store = await storeWithModel(parent);
  await writeFile(join(parent, 'policy.json'), JSON.stringify({ optional: ['T1', 'T2', 'T3', 'T4', 'T5', 'T6'] }));
  const gate = async () => cli(['maturity', '--policy', 'policy.json', '--min-level', '1', '-s', store], { directory: parent });
  expect(await gate()).toMatchObject({ code: 0 });
  {
    await using storage = new FilesystemStorage(store);
    await storage.write([{ kind: 'put', key: 'registry/models/broken', bytes: new Uint8Array([1, 2, 3]) }]);
  }
  expect(await gate()).toMatchObject({ code: 3, stdout: expect.stringContaining("Cannot be read: model 'broken'") as string });
});

test('what turns the direction of text in a name is written as an escape', async () => {
  const store = join(temporaryDirectory(), 'store');
  {
    await using storage = new FilesystemStorage(store);
    const registry = new Registry({ storage });
    await registry.createModel('a\u202Eb');
    await registry.registerVersion('a\u202Eb', { files: { 'model.json': '{}' } });
    await registry.promote('a\u202Eb@1', 'production', { by: 'ada', reason: 'first' });
  }
  const { stdout } = await cli(['maturity', '--all', '-s', store]);
  expect(stdout).toContain('a\\u202eb@1: level 0');
  expect(stdout).not.toContain('\u202E');
});
