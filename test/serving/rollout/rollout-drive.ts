import { Registry } from 'modelkeep';
import type { RolloutRegistry } from '../../../src/serving/rollout/rollout-registry.ts';
import type { RolloutStatus } from '../../../src/serving/rollout/rollout-status.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import type { ManualClock } from '../../pipelines/manual-clock.ts';
import { minute, replicaOf } from './rollout-harness.ts';

export function registryIn(storage: StorageAdapter, clock: ManualClock): Registry {
  return new Registry({ storage, clock });
}

/** Works on the rollout that goes on, or begins one, until it has ended; tells each phase that it finds itself in. */
export async function driveRollout(parts: { storage: StorageAdapter; registry: RolloutRegistry; clock: ManualClock; failing: boolean; reached: (point: string) => Promise<void> }): Promise<RolloutStatus> {
  const { storage, registry, clock, failing, reached } = parts;
  const { controller, serve } = replicaOf(storage, registry, clock);
  const guardrails = [{ metric: 'error_rate', max: 0.05 }] as const;
  const begun = await controller.status();
  if (begun === undefined) await controller.start({ candidate: 2, by: 'ada', shadow: { share: 50, hold: '10m' }, steps: [{ weight: 10, hold: '10m' }, { weight: 50, hold: '10m' }], keep: '10m', guardrails });
  for (;;) {
    await controller.look();
    const status = (await controller.status())!;
    if (status.phase === 'ended') {
      await controller.close();
      return status;
    }
    await reached(status.phase === 'step' ? `step ${status.stage}` : status.phase);
    serve(150, failing && status.phase === 'keep' ? 100 : 0);
    // What was counted is stored before the hold is over.
    await controller.look();
    clock.jump(10 * minute);
  }
}
