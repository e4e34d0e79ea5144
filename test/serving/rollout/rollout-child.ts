/** A process that works on a rollout and can be killed. Arguments: store, the time by its clock, the point to hang at (or `none`), and whether the candidate fails once it is promoted. */
import { FilesystemStorage } from '../../../src/filesystem.ts';
import type { Registry } from '../../../src/index.ts';
import type { RolloutRegistry } from '../../../src/serving/rollout/rollout-registry.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';
import { driveRollout, registryIn } from './rollout-drive.ts';
import { boundTo } from './rollout-harness.ts';

const [directory = '', now = '0', hang = 'none', failing = 'no'] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const clock = new ManualClock(Number(now));

const reach = async (point: string): Promise<void> => {
  if (point !== hang) return;
  await new Promise((resolve) => process.send?.({ hanging: point, now: clock.now() }, resolve));
  // Blocks the thread: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

/** The registry, with a stop before and behind what a rollout has it do. */
function stopping(registry: Registry): RolloutRegistry {
  return {
    ...boundTo(registry),
    promote: async (...given) => {
      await reach('before promote');
      await registry.promote(...given);
      await reach('after promote');
    },
    rollback: async (...given) => {
      await reach('before rollback');
      await registry.rollback(...given);
      await reach('after rollback');
    },
  };
}

await driveRollout({ storage, registry: stopping(registryIn(storage, clock)), clock, failing: failing === 'yes', reached: reach });
process.send?.({ done: true });
await storage.close();
process.disconnect?.();
