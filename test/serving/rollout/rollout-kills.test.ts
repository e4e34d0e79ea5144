import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';
import { driveRollout, registryIn } from './rollout-drive.ts';
import { minute, productions, registryOf, replicaOf } from './rollout-harness.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-rollout-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Has a process go on until it is at a point, and kills it there. What time it was by its clock. */
async function killAt(point: string, now: number, failing: boolean): Promise<number> {
  const child = fork(childProgram('rollout-child.ts', import.meta.url), [directory, String(now), point, failing ? 'yes' : 'no'], { execArgv: [] });
  const ended = once(child, 'exit');
  const message = await Promise.race([once(child, 'message').then(([told]) => told as { hanging?: string; now?: number }), ended.then(() => ({}))]);
  expect(message).toMatchObject({ hanging: point });
  child.kill('SIGKILL');
  await ended;
  return (message as { now: number }).now;
}

/** A rollout whose process is killed at each point in turn, and what another one finds that finishes it. */
async function survive(points: readonly string[], failing: boolean) {
  const begun = new ManualClock();
  const storage = new FilesystemStorage(directory);
  await registryOf(storage, begun);
  let now = begun.now();
  // The lease of who was killed has run out a minute later.
  for (const point of points) now = (await killAt(point, now, failing)) + minute;
  const clock = new ManualClock(now);
  const registry = registryIn(storage, clock);
  const status = await driveRollout({ storage, registry, clock, failing, reached: async () => undefined });
  const history = await replicaOf(storage, registry, clock).controller.history();
  const found = { status, production: await productions(registry), history };
  await storage.close();
  return found;
}

describe('a rollout whose process is killed in every state', () => {
  it('is finished by the next ones: promoted once, with its whole history', async () => {
    const { status, production, history } = await survive(['shadow', 'step 1', 'step 2', 'before promote', 'after promote', 'keep'], false);
    expect(status).toMatchObject({ outcome: 'promoted', by: 'ada' });
    expect(production).toEqual(['stage-changed 1', 'stage-changed 2']);
    expect(history.map(({ type }) => type).filter((type) => type !== 'judged')).toEqual(['started', 'stage-entered', 'stage-entered', 'promoting', 'promoted', 'completed']);
    expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, i) => i + 1));
  });

  it('goes back once when it failed after its promotion', async () => {
    const { status, production, history } = await survive(['before rollback', 'after rollback'], true);
    expect(status.outcome).toBe('rolled-back');
    expect(status.why).toContain("Guardrail 'error_rate max 0.05' failed");
    expect(production).toEqual(['stage-changed 1', 'stage-changed 2', 'rolled-back 1']);
    expect(history.map(({ type }) => type).filter((type) => type !== 'judged')).toEqual(['started', 'stage-entered', 'stage-entered', 'promoting', 'promoted', 'restoring', 'rolled-back']);
  });
});
