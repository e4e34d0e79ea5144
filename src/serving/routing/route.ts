import { bucketOf } from '../../core/bucket.ts';
import type { Random } from '../../core/random.ts';
import type { Arm } from '../prediction.ts';
import type { CandidateTraffic } from '../rollout/rollout-state.ts';

/**
 * Which arm a request falls into. The candidate has the keys of the lower end of [0, 1), the control as many of the upper end, so that whoever is in either stays there while shares grow. A request without a key is drawn by chance.
 */
export function armOf({ salt, weight, controlWeight }: CandidateTraffic, key: string | undefined, random: Random): Arm {
  if (weight <= 0 && controlWeight <= 0) return 'stable';
  const at = key === undefined ? random() : bucketOf(key, salt);
  if (at < weight) return 'candidate';
  return at >= 1 - controlWeight ? 'control' : 'stable';
}

/** Whether a request that another version answers is also given to the candidate. Independent of the arms. */
export function isShadowed({ salt, shadow }: CandidateTraffic, key: string | undefined, random: Random): boolean {
  if (shadow <= 0) return false;
  return shadow >= 1 || (key === undefined ? random() : bucketOf(key, `${salt}:shadow`)) < shadow;
}
