import { fork } from 'node:child_process';
import { once } from 'node:events';
import { FeatureStore } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { childProgram } from '../../child-program.ts';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import { simulatedClock } from '../simulated-clock.ts';
import { people, tiledView } from './tiled-view.ts';

const directory = temporaryDirectories();
const day = 86_400_000;
const T = Date.UTC(2026, 0, 1);
const rounds = 4;
const seed = Number(process.env['TILES_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Lets a process work until it has begun so many writes, and kills it; returns how many rows it said were in. */
async function workAndKill(path: string, start: number, childSeed: number, writes: number): Promise<number> {
  const child = fork(childProgram('folding-child.ts', import.meta.url), [path, String(childSeed), String(start)], { execArgv: [] });
  let left = writes;
  let rows = 0;
  child.on('message', (message: { writes?: true; rows?: number }) => {
    rows += message.rows ?? 0;
    if (message.writes && --left === 0) child.kill('SIGKILL');
  });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  return rows;
}

describe('processes that fold rows', () => {
  it(`are killed at any moment, and online equals the past after the next materialization (TILES_SEED=${seed})`, { timeout: 60_000 }, async () => {
    const random = seededRandom(seed);
    const path = directory();
    let rows = 0;
    let tiled = 0;
    for (let round = 1; round <= rounds; round++) {
      const starts = T + round * day;
      const killed = await Promise.all([0, 1].slice(round % 2).map((i) => workAndKill(path, starts, Math.floor(random() * 2 ** 31) + i, 5 + Math.floor(random() * 60))));
      rows += killed.reduce((sum, each) => sum + each, 0);
      await using storage = new FilesystemStorage(path);
      const clock = simulatedClock(starts + day / 2);
      const store = new FeatureStore({ storage, clock });
      await store.materialize(tiledView);
      const entities = people.map((who) => ({ who }));
      const online = await store.getOnlineFeatures({ entities, features: ['spend:*'] });
      const offline = await store.getHistoricalFeatures({ entities: entities.map((each) => ({ ...each, t: clock.now() })), timestamp: 't', features: ['spend:*'] });
      for (const name of Object.keys(online.statuses)) expect([round, name, online.columns[name]]).toEqual([round, name, Array.from(offline.columns[name]!)]);
      // What was said to be in is.
      expect((offline.columns['rows'] as Float64Array).reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(rows);
      for (const { key } of (await storage.list({ prefix: 'features/online/' })).entries) if (new TextDecoder('latin1').decode((await storage.read([key]))[0]!.bytes).includes('tilesAt')) tiled++;
    }
    expect(rows).toBeGreaterThan(0);
    expect(tiled).toBeGreaterThan(0);
  });
});
