import type { ServedOutcome } from '../../src/serving/prediction.ts';

/** An outcome with what a test says of it. */
export function outcome(of: Partial<ServedOutcome> = {}): ServedOutcome {
  return {
    id: '0196f1c4-0000-7000-8000-000000000001.1.stable',
    at: 1_000_000,
    version: 1,
    arm: 'stable',
    reason: 'stable',
    shadow: false,
    input: { distance: 400 },
    ...('error' in of ? {} : { output: { delay: 12 } }),
    cached: false,
    latencyMs: 4,
    queueMs: 1,
    computeMs: 2,
    batchSize: 1,
    ...of,
  };
}
