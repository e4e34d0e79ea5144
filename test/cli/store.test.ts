import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, test } from 'vitest';
import { listen } from '../server/listening.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';
import { storeWithModel, storeWithRuns } from './stores.ts';

const temporaryDirectory = temporaryDirectories();

test('check finds nothing in a store that is well, and the byte that is not, with 1', async () => {
  const store = await storeWithModel(temporaryDirectory());
  expect(await cli(['store', 'check', '-s', store])).toMatchObject({ code: 0, stdout: 'Nothing is wrong.\n' });
  const { files } = (await cli(['models', 'show', 'delay@1', '--json', '-s', store])).json();
  const digest = files[0].digest.slice('sha256:'.length);
  await writeFile(join(store, 'blobs', 'sha256', digest.slice(0, 2), digest), '{"auc":0.9}');
  const damaged = await cli(['store', 'check', '--json', '-s', store]);
  expect(damaged.code).toBe(1);
  expect(damaged.json().damage).toBeGreaterThan(0);
  expect((await cli(['store', 'check', '-s', store])).stdout).toContain(digest);
  expect((await cli(['store', 'check', '--quick', '-s', store])).code).toBe(0);
  const verified = await cli(['models', 'verify', 'delay@1', '-s', store]);
  expect(verified).toMatchObject({ code: 1, stdout: '' });
  expect(verified.stderr).toMatch(/ \[integrity\]\n'modelkeep store check' lists all that is damaged\.\n$/);
  expect(JSON.parse((await cli(['models', 'verify', 'delay@1', '--json', '-s', store])).stderr)).toMatchObject({ error: { code: 'integrity', hint: expect.stringContaining('store check') as string } });
});

test('gc tells what it would do, and marks', async () => {
  const store = await storeWithModel(temporaryDirectory());
  {
    await using storage = new FilesystemStorage(store);
    await storage.writeBlob((async function* () {
      yield new TextEncoder().encode('nobody names this');
    })());
  }
  expect((await cli(['store', 'gc', '--dry-run', '--json', '-s', store])).json()).toMatchObject({ marked: 1, deleted: 0 });
  expect((await cli(['store', 'gc', '-s', store])).stdout).toContain('0 blobs deleted (0 B), 1 newly marked');
  expect(await cli(['store', 'gc', '--grace', 'soon', '-s', store])).toMatchObject({ code: 2, stderr: expect.stringContaining('[usage]') });
});

test('export and import carry a store over; a conflict fails, or is kept', async () => {
  const directory = temporaryDirectory();
  const store = await storeWithModel(directory);
  expect((await cli(['store', 'export', '-s', store], { columns: 80 })).stderr).toContain('not for a terminal');
  await cli(['store', 'export', '-o', 'backup', '-s', store], { directory });
  const imported = await cli(['store', 'import', 'backup', '-s', 'copy'], { directory });
  expect(imported.code).toBe(0);
  expect((await cli(['models', 'show', 'delay', '--json', '-s', 'copy'], { directory })).json()).toEqual((await cli(['models', 'show', 'delay', '--json', '-s', store])).json());
  expect((await cli(['store', 'import', 'backup', '-s', 'copy', '--json'], { directory })).json()).toMatchObject({ records: 0, entries: 0 });
  await cli(['models', 'rollback', 'delay', '--reason', 'x', '--by', 'me', '-s', 'copy'], { directory });
  await cli(['models', 'promote', 'delay@1', 'archived', '--reason', 'x', '--by', 'me', '-s', 'copy'], { directory });
  expect(await cli(['store', 'import', 'backup', '-s', 'copy'], { directory })).toMatchObject({ code: 1 });
  expect((await cli(['store', 'import', 'backup', '-s', 'copy', '--on-conflict', 'keep'], { directory })).stdout).toContain('Kept as it is: record registry/models/delay');
  await writeFile(join(directory, 'cut'), 'nonsense');
  expect((await cli(['store', 'import', 'cut', '-s', 'other'], { directory })).code).toBe(1);
  expect((await cli(['store', 'import', 'none', '-s', 'other'], { directory })).stderr).toContain('There is no file');
});

test('a store is migrated to a server with the token of the target, and from there to a directory; commands work on the server', async () => {
  const directory = temporaryDirectory();
  const { store, ids } = await storeWithRuns(directory);
  await using served = new FilesystemStorage(join(directory, 'served'));
  const handler = createStorageHandler(served, { authorize: async (request) => (request.headers.get('authorization') === 'Bearer secret' ? { actor: 'ann' } : null) });
  await using server = await listen(toNodeHandler(handler));
  const env = { MODELKEEP_TARGET_TOKEN: 'secret' };
  expect((await cli(['store', 'migrate', server.url, '-s', store], { env: { MODELKEEP_TOKEN: 'secret' } })).stderr).toContain('[unauthorized]');
  const first = await cli(['store', 'migrate', server.url, '-s', store], { env });
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect((await cli(['store', 'migrate', server.url, '--json', '-s', store], { env })).json()).toMatchObject({ records: 0, entries: 0, conflicts: [] });
  const remote = { env: { MODELKEEP_TOKEN: 'secret', MODELKEEP_STORE: server.url } };
  expect((await cli(['runs', 'ls', '--json'], remote)).json().items.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
  expect(await cli(['store', 'migrate', 'back'], { ...remote, directory })).toMatchObject({ code: 0 });
  expect((await cli(['runs', 'ls', '--json', '-s', 'back'], { directory })).json().items).toHaveLength(2);
  const doctor = await cli(['doctor', '--json'], remote);
  expect(doctor.code).toBe(0);
  expect(doctor.stdout).not.toContain('secret');
  expect(doctor.json().find(({ check }: { check: string }) => check === 'clock')).toMatchObject({ status: 'ok' });
});

test('doctor tells of a store that is missing, an old Node, and shows no secret', async () => {
  const directory = temporaryDirectory();
  const { code, stdout } = await cli(['doctor', '-s', 'none'], { directory, env: { MODELKEEP_TOKEN: 'hunter2', MODELKEEP_STORE: 'https://ann:pw@example.test?x=1' } });
  expect(code).toBe(1);
  expect(stdout).toMatch(/fail +store +.*none: not-found/);
  expect(stdout).toMatch(/ok +Node +v/);
  expect(stdout).toMatch(/info +MODELKEEP_TOKEN +set/);
  expect(stdout).not.toMatch(/hunter2|pw@|x=1/);
  expect(await readdir(directory)).toEqual([]);
});
