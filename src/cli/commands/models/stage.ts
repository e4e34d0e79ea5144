import type { Stage } from '../../../index.ts';
import { printable } from '../../output/printable.ts';
import { didYouMean } from '../../suggest.ts';
import { UsageError } from '../../usage-error.ts';

/** The stages that a version may be moved to. */
export const stages: readonly Stage[] = ['staging', 'production', 'archived', 'none'];

/** The stage of a name. Throws `UsageError`. */
export function stageOf(name: string): Stage {
  const stage = stages.find((each) => each === name);
  if (stage !== undefined) return stage;
  throw new UsageError(`There is no stage '${printable(name)}'${didYouMean(name, stages) || `; give one of ${stages.join(', ')}.`}`);
}
