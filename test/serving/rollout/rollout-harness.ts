import { Registry, gates } from 'modelkeep';
import type { Clock } from '../../../src/core/clock.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { ServedOutcome } from '../../../src/serving/prediction.ts';
import type { RolloutCheck } from '../../../src/serving/rollout/guardrail.ts';
import { RolloutController } from '../../../src/serving/rollout/rollout-controller.ts';
import type { RolloutEvent } from '../../../src/serving/rollout/rollout-event.ts';
import type { RolloutRegistry } from '../../../src/serving/rollout/rollout-registry.ts';
import type { Traffic } from '../../../src/serving/rollout/rollout-state.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';

export const model = 'flight-delay';
export const minute = 60_000;

/** A registry with three versions, of which the first is in production and the third passes no gate. */
export async function registryOf(storage: StorageAdapter, clock?: Clock): Promise<Registry> {
  const registry = new Registry({ storage, clock });
  await registry.createModel(model);
  for (const auc of [0.8, 0.9, 0.1]) await registry.registerVersion(model, { files: { 'model.json': `{"auc":${auc}}` }, metrics: { auc }, dataset: { name: 'flights', digest: `sha256:${'a'.repeat(64)}` } });
  await registry.promote(`${model}@1`, 'production', { by: 'ada', reason: 'first' });
  await registry.setPolicy(model, { production: [gates.metric('auc', { goal: 'maximize', min: 0.5 })] });
  return registry;
}

/** A process with a part in the rollouts of the model, as a test sees it. */
export interface Replica {
  readonly controller: RolloutController;
  readonly events: RolloutEvent[];
  readonly traffic: Traffic[];
  readonly errors: unknown[];
  /** When experiments of it were told to end. */
  readonly claimsLost: number[];
  /** Has so many requests served by each arm that there is, of which so many of the candidate fail. */
  readonly serve: (n: number, failing?: number) => void;
}

export function replicaOf(storage: StorageAdapter, registry: RolloutRegistry, clock: Clock, checks: Readonly<Record<string, RolloutCheck>> = {}): Replica {
  const [events, traffic, errors, claimsLost]: [RolloutEvent[], Traffic[], unknown[], number[]] = [[], [], [], []];
  const controller = new RolloutController({
    storage,
    name: model,
    registry,
    checks,
    clock,
    random: seededRandom(1),
    onError: (error) => errors.push(error),
    announce: (event) => events.push(event),
    onTraffic: (each) => traffic.push(each),
    onClaimLost: () => claimsLost.push(clock.now()),
    intervals: { idleMs: 5000, leaseMs: 15_000, claimMs: 5 * minute },
  });
  let served = 0;
  const one = (part: Partial<ServedOutcome> & Pick<ServedOutcome, 'version' | 'arm'>): void => {
    const shared = { id: String(++served), at: clock.now(), reason: 'canary', shadow: false, key: `user-${served}`, input: 1, cached: false, latencyMs: 10, queueMs: 0, computeMs: 1, batchSize: 1 } as const;
    controller.count({ ...shared, ...part });
  };
  const serve = (n: number, failing = 0): void => {
    const { candidate, stable } = controller.traffic;
    if (candidate === undefined) return;
    for (let i = 0; i < n; i++) {
      const error = i < failing ? { error: new Error('no') } : {};
      if (candidate.shadow > 0) one({ version: candidate.version, arm: 'candidate', shadow: true, ...error });
      if (candidate.weight > 0) one({ version: candidate.version, arm: 'candidate', ...error });
      one({ version: stable!, arm: candidate.controlWeight > 0 ? 'control' : 'stable', reason: 'control' });
    }
  };
  return { controller, events, traffic, errors, claimsLost, serve };
}

/** What a rollout does with a registry, to put something in front of it. */
export function boundTo(registry: Registry): RolloutRegistry {
  return {
    getModel: (name) => registry.getModel(name),
    getVersion: (ref) => registry.getVersion(ref),
    checkGates: (ref, stage) => registry.checkGates(ref, stage),
    promote: (...given) => registry.promote(...given),
    rollback: (...given) => registry.rollback(...given),
  };
}

/** What became of the versions in production, as the registry tells it. */
export async function productions(registry: Registry): Promise<string[]> {
  const told = await registry.history(model);
  return told.flatMap((event) => (event.type === 'stage-changed' || event.type === 'rolled-back' ? [`${event.type} ${event.data.version}`] : []));
}
