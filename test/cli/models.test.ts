import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry, gates } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';
import { storeWithModel } from './stores.ts';

const temporaryDirectory = temporaryDirectories();

test('ls and show tell of models, versions and who changed what', async () => {
  const store = await storeWithModel(temporaryDirectory());
  expect((await cli(['models', 'ls', '-s', store])).stdout).toMatch(/delay +2 +1 +ops/);
  const model = await cli(['models', 'show', 'delay', '-s', store]);
  expect(model.stdout).toMatch(/1 +production .*auc 0\.8/);
  expect(model.stdout).toMatch(/stage\S* +1 +lead +first/);
  expect((await cli(['models', 'show', 'delay@production', '--json', '-s', store])).json()).toMatchObject({ version: 1, metrics: { auc: 0.8 } });
  expect(await cli(['models', 'show', 'other', '-s', store])).toMatchObject({ code: 1 });
});

test('check says what every gate found and ends with 3 when one fails', async () => {
  const store = await storeWithModel(temporaryDirectory());
  const failed = await cli(['models', 'check', 'delay@2', 'production', '-s', store]);
  expect(failed.code).toBe(3);
  expect(failed.stdout).toMatch(/delay@2 may not go to production\.\nfailed +metric auc/);
  expect((await cli(['models', 'check', 'delay@1', 'production', '-s', store])).code).toBe(0);
  const markdown = await cli(['models', 'check', 'delay@2', 'production', '--markdown', '-s', store]);
  expect(markdown).toMatchObject({ code: 3 });
  expect(markdown.stdout).toContain('| ❌ failed | metric auc |');
});

test('promote is refused by gates with 3 and changes nothing; by force the history has who and why', async () => {
  const store = await storeWithModel(temporaryDirectory());
  expect(await cli(['models', 'promote', 'delay@2', 'production', '-s', store])).toMatchObject({ code: 2 });
  const refused = await cli(['models', 'promote', 'delay@2', 'production', '--reason', 'try', '--by', 'me', '--json', '-s', store]);
  expect(refused.code).toBe(3);
  expect(refused.json()).toMatchObject({ promoted: false, report: { passed: false, gates: [{ name: 'metric auc', passed: false }] } });
  expect((await cli(['models', 'show', 'delay', '--json', '-s', store])).json().model.production).toBe(1);

  const forced = await cli(['models', 'promote', 'delay@2', 'production', '--reason', 'try', '--force', '-s', store], { env: { USER: 'ann' } });
  expect(forced).toMatchObject({ code: 0, stdout: 'delay@2 is in production.\n' });
  expect((await cli(['models', 'show', 'delay', '--json', '-s', store])).json().history[0]).toMatchObject({ by: 'ann', reason: 'try' });

  expect((await cli(['models', 'rollback', 'delay', '--reason', 'drift', '--by', 'me', '--from', '1', '-s', store])).code).toBe(1);
  expect((await cli(['models', 'rollback', 'delay', '--reason', 'drift', '--by', 'me', '--from', '2', '-s', store])).stdout).toBe('delay@1 is in production again.\n');
  expect((await cli(['models', 'rollback', 'delay', '--reason', 'drift', '-s', store])).stderr).toContain('--by NAME');
  expect((await cli(['models', 'promote', 'delay@1', 'prodction', '--reason', 'x', '-s', store])).stderr).toContain("did you mean 'production'?");
});

test('custom gates come from a module of the user', async () => {
  const store = await storeWithModel(temporaryDirectory());
  {
    await using storage = new FilesystemStorage(store);
    await new Registry({ storage }).setPolicy('delay', { staging: [gates.custom('smoke')] });
  }
  const line = ['models', 'check', 'delay@2', 'staging', '-s', store];
  expect((await cli(line)).code).toBe(3);
  const modules = { 'mlops.js': { gates: { smoke: async () => ({ passed: true, reason: 'no smoke' }) } }, 'wrong.js': { gates: { smoke: 1 } } };
  expect(await cli([...line, '--module', './mlops.js'], { modules })).toMatchObject({ code: 0 });
  expect((await cli([...line, '--module', './wrong.js'], { modules })).stderr).toContain("has 1 as 'smoke'; export an object of functions.");
  expect((await cli([...line, '--module', './none.js'], { modules })).stderr).toContain('There is no module');
});

test('verify reads the files, and finds a byte that changed and a key that did not sign', async () => {
  const directory = temporaryDirectory();
  const store = await storeWithModel(directory);
  expect((await cli(['models', 'verify', 'delay@1', '-s', store])).stdout).toBe('delay@1 is what was registered: 1 file, 11 B.\n');

  const { publicKey, privateKey } = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']));
  await writeFile(join(directory, 'key.jwk'), JSON.stringify(await crypto.subtle.exportKey('jwk', publicKey)));
  const line = ['models', 'verify', 'delay@1', '--public-key', 'key.jwk', '-s', store];
  expect((await cli(line, { directory })).stderr).toContain('is not signed');
  {
    await using storage = new FilesystemStorage(store);
    await new Registry({ storage }).sign('delay@1', { privateKey, by: 'lead', reason: 'release' });
  }
  expect((await cli(line, { directory })).stdout).toContain('delay@1 is what was signed by the key');

  const { files } = (await cli(['models', 'show', 'delay@1', '--json', '-s', store])).json();
  const digest = files[0].digest.slice('sha256:'.length);
  await writeFile(join(store, 'blobs', 'sha256', digest.slice(0, 2), digest), '{"auc":0.9}');
  const damaged = await cli(['models', 'verify', 'delay@1', '-s', store]);
  expect(damaged).toMatchObject({ code: 1, stdout: '' });
  expect(damaged.stderr).toContain("[integrity]\n'modelkeep store check'");
});

test('card and bom are written to standard output or a file', async () => {
  const directory = temporaryDirectory();
  const store = await storeWithModel(directory);
  const card = await cli(['models', 'card', 'delay@1', '--limitation', 'Only by day.', '-s', store]);
  expect(card.stdout).toContain('Only by day.');
  await cli(['models', 'card', 'delay@1', '--limitation', 'Only by day.', '-o', 'CARD.md', '-s', store], { directory });
  expect(await readFile(join(directory, 'CARD.md'), 'utf8')).toBe(card.stdout);
  expect((await cli(['models', 'bom', 'delay@1', '-s', store])).json()).toMatchObject({ bomFormat: 'CycloneDX' });
});
