import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment, Registry } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { childProgram } from '../../child-program.ts';
import { loadSlope } from './deployment-drive.ts';

it('a rollout outlives the process that serves it: the next deployment divides keys as the killed one did, and brings it to its end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-deployment-'));
  try {
    await using storage = new FilesystemStorage(directory);
    const registry = new Registry({ storage });
    await registry.createModel('m');
    for (const slope of ['1', '2']) await registry.registerVersion('m', { files: { slope } });
    await registry.promote('m@1', 'production', { by: 'ann', reason: 'first' });

    const child = fork(childProgram('deployment-child.ts', import.meta.url), [directory], { execArgv: [] });
    const ended = once(child, 'exit');
    const [message] = (await Promise.race([once(child, 'message'), ended.then(() => [{}])])) as [{ answers?: Record<string, number> }];
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    const before = message.answers!;
    expect(new Set(Object.values(before))).toEqual(new Set([1, 2]));

    // A minute later the lease of who decided has run out.
    const clock = { ...systemClock, now: () => Date.now() + 60_000 };
    const deployment = new Deployment({ storage, registry, model: 'm', load: loadSlope, clock });
    await deployment.ready();
    expect(await deployment.rollout()).toMatchObject({ phase: 'step', stage: 1, weight: 60, candidate: 2, stable: 1, by: 'ada' });
    // Waits for the candidate: kept in memory, as the rollout has it already.
    await deployment.load(2);
    const after: Record<string, number> = {};
    for (const key of Object.keys(before)) {
      const { version, output } = await deployment.predict(10, { key });
      expect(output).toBe(10 * version);
      after[key] = version;
    }
    expect(after).toEqual(before);
    expect((await registry.getModel('m')).production).toBe(1);

    const promoted = new Promise((resolve) => deployment.on('rollout', ({ type }) => type === 'promoted' && resolve(type)));
    await deployment.promoteRollout({ by: 'ann', reason: 'good enough' });
    await promoted;
    expect((await registry.getModel('m')).production).toBe(2);
    const types = (await deployment.rolloutHistory()).map(({ type }) => type).filter((type) => type !== 'judged');
    expect(types).toEqual(['started', 'stage-entered', 'promoting', 'promoted']);
    await deployment.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
