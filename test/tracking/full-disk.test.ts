import { isModelkeepError, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../src/core/failure.ts';
import { seededRandom } from '../../src/core/random.ts';
import { SimulatedDisk } from '../storage/faults/simulated-disk.ts';
import { ManualClock } from './manual-clock.ts';

const root = '/data/store';
const points = 200;

interface Outcome {
  /** Whether the work came to the call from which on the disk was full. */
  readonly met: boolean;
  readonly failed: boolean;
}

/** Logs half of the points, flushes, and the other half; the disk is full from one call on, until room is made before the run ends. */
async function trainOnFullDisk(from: number): Promise<Outcome> {
  const disk = new SimulatedDisk(seededRandom(from));
  let count = -1;
  const { fileSystem } = disk.startProcess(({ name }) => {
    // Reading and letting go need no room.
    if (count < 0 || !['write', 'sync', 'syncDirectory', 'open', 'makeDirectory', 'link', 'rename'].includes(name)) return undefined;
    return ++count >= from ? { code: 'ENOSPC' } : undefined;
  });
  const storage = new FilesystemStorage(root, { fileSystem });
  const told: unknown[] = [];
  const tracker = new Tracker({ storage, clock: new ManualClock(), onError: (error) => void told.push(error) });
  const run = await tracker.startRun({ experiment: 'full' });

  count = 0;
  for (let step = 0; step < points / 2; step++) run.logMetrics({ loss: step }, { step });
  const failure = await run.flush().then(() => undefined, (error: unknown) => error);
  for (let step = points / 2; step < points; step++) run.logMetrics({ loss: step }, { step });
  const artifact = await run.logArtifact('notes.txt', 'what was seen').then(() => undefined, (error: unknown) => error);
  const met = count >= from;
  count = -1;
  for (const error of [failure, artifact]) if (error !== undefined) expect(isModelkeepError(error, 'storage-full'), describeFailure(error).message).toBe(true);

  expect((await run.end()).droppedPoints).toBe(0);
  await storage.close();

  const later = new FilesystemStorage(root, { fileSystem: disk.losePower().startProcess().fileSystem });
  const reader = new Tracker({ storage: later });
  expect(await reader.getRun(run.id)).toMatchObject({ status: 'finished' });
  const { steps } = await reader.metricHistory(run.id, 'loss');
  expect([...steps], `full from call ${from}`).toEqual(Array.from({ length: points }, (_, step) => step));
  // Whole or not at all: a call that failed for want of room may have done its work.
  const names = (await reader.listArtifacts(run.id)).items.map(({ name }) => name);
  if (artifact === undefined || names.length > 0) expect(names).toEqual(['notes.txt']);
  for (const name of names) expect(new TextDecoder().decode(await reader.readArtifact(run.id, name))).toBe('what was seen');
  await later.close();
  return { met, failed: failure !== undefined || artifact !== undefined };
}

describe('a run on a disk that is full for a while', () => {
  it('is told so by whatever it awaits, and has every point when there is room again', async () => {
    let failures = 0;
    let from = 1;
    for (; ; from++) {
      const { met, failed } = await trainOnFullDisk(from);
      if (!met) break;
      if (failed) failures++;
    }
    expect([from > 5, failures > 3]).toEqual([true, true]);
  });
});
