import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { MemoryStorage } from 'modelkeep';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { childProgram } from '../../child-program.ts';
import { manyItems } from './many-items.ts';

const seed = Number(process.env['MAP_CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

/** The items that the store has as succeeded. */
async function recorded(directory: string, run: string): Promise<Set<string>> {
  await using storage = new FilesystemStorage(directory);
  const { entries } = await storage.list({ prefix: `pipelines/many/steps/${run}/m/` });
  const records = await storage.read(entries.map(({ key }) => key));
  const succeeded = records.map((record) => new TextDecoder().decode(record!.bytes).includes('"status":"succeeded"'));
  return new Set(entries.flatMap(({ key }, i) => (succeeded[i] ? [`${run} ${Number(key.slice(-6))}`] : [])));
}

it(`a map whose processes are killed at random moments runs no recorded item again, and ends as it would have (MAP_CRASH_SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-map-'));
  const [store, journal] = [join(directory, 'store'), join(directory, 'journal')];
  writeFileSync(journal, '');
  const begun = (): string[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean);
  const known: { readonly at: number; readonly items: ReadonlySet<string> }[] = [];
  try {
    let run: string | undefined;
    for (let kills = 0; kills < 3; kills++) {
      const child = fork(childProgram('many-items-child.ts', import.meta.url), [store, journal, run ?? 'new'], { execArgv: [] });
      const gone = once(child, 'exit');
      const word = (await Promise.race([once(child, 'message'), gone])) as [{ run: string } | number | null];
      // From when the items are listed; it may have ended before it is killed.
      if (typeof word[0] === 'object' && word[0] !== null) ({ run } = word[0]);
      await Promise.race([pause(random() * 60), gone]);
      child.kill('SIGKILL');
      await gone;
      known.push({ at: begun().length, items: await recorded(store, run!) });
    }
    await using storage = new FilesystemStorage(store);
    const { pipeline, sum } = manyItems(storage, (key) => writeFileSync(journal, `${key}\n`, { flag: 'a' }));
    const result = await pipeline.resume(run!, { takeOver: true });
    const undisturbed = manyItems(new MemoryStorage(), () => undefined);
    expect(result.output(sum)).toEqual((await undisturbed.pipeline.run()).output(undisturbed.sum));
    expect(result.steps['m']!.items).toMatchObject({ total: 400, succeeded: 400 });
    const all = begun();
    for (const { at, items } of known) expect(all.slice(at).filter((key) => items.has(key))).toEqual([]);
    // Who takes each key once has had each item once.
    expect(new Set(all).size).toBe(400);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
