import type { Clock } from '../../core/clock.ts';
import { durationMs } from '../../core/duration.ts';
import { ConflictError, isModelkeepError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { Lease } from '../../storage/lease.ts';
import { adaptiveMetric } from '../definition/check-adaptive.ts';
import type { ExperimentRecord } from '../definition/experiment-record.ts';
import type { ExperimentState } from '../definition/experiment-state.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';
import type { UnitTable } from '../unit-table.ts';
import { adaptedWeights } from './adapted-weights.ts';

/** What a look at the weights of a test works with. */
export interface ReweighingParts {
  readonly storage: StorageAdapter;
  /** The key of the test. */
  readonly key: Key;
  readonly name: string;
  readonly clock: Clock;
  readonly record: ExperimentRecord;
  /** The units of the test, with the definition by whose variants they are. */
  readonly units: (options: OperationOptions) => Promise<{ readonly table: UnitTable; readonly definition: ExperimentDefinition }>;
  readonly onError: (error: unknown) => void;
}

const leaseMs = 60_000;
// What is shared out otherwise by less is not worth a change, which all processes must hear of.
const leastChange = 0.01;
// A share of units that met several variants beyond which nothing can be learnt, as in an analysis.
const mostCrossed = 0.01;

/** Whether the weights of a test are to be looked at. */
export function isReviewDue(state: ExperimentState | undefined, now: number): boolean {
  const adaptive = state?.definition.adaptive;
  return typeof adaptive === 'object' && state!.stopped === undefined && now >= (state!.reviewedAt ?? 0) + durationMs(adaptive.every);
}

/** Looks at the weights of an adaptive test when that is due, and changes them by what its units came to: one process at a time does, and what it stores is void when another was faster. */
export async function reviewWeights(parts: ReweighingParts): Promise<void> {
  const { storage, key, name, clock, record, onError } = parts;
  const terms = { storage, key: `${key}/reweighing`, subject: `The weights of the test '${name}'`, advice: { held: 'It looks at them.', lost: 'That looks at them from now on.' }, owner: newId(), ttlMs: leaseMs, clock, onError };
  let lease: Lease;
  try {
    lease = await Lease.take(terms, 0, () => false);
  } catch (error) {
    if (isModelkeepError(error, 'conflict')) return;
    throw error;
  }
  const lost = new AbortController();
  lease.startHeartbeat((error) => lost.abort(error));
  try {
    await record.look();
    const seen = record.state;
    if (!isReviewDue(seen, clock.now())) return;
    const found = await foundBy(parts, seen!, { signal: lost.signal });
    await lease.ensure();
    await record.review(seen!, found, { signal: lost.signal });
  } catch (error) {
    // Whoever took over, or stopped the test, goes on with it.
    if (!lost.signal.aborted && !(isModelkeepError(error, 'conflict') && record.state?.stopped !== undefined)) throw error;
  } finally {
    await lease.release();
  }
}

async function foundBy({ name, units, onError }: ReweighingParts, { definition: { adaptive } }: ExperimentState, options: OperationOptions): Promise<Parameters<ExperimentRecord['review']>[1]> {
  const { table, definition } = await units(options);
  if (typeof adaptive !== 'object') return undefined;
  const share = table.crossed / Math.max(1, table.crossed + table.units);
  if (share > mostCrossed) {
    onError(new ConflictError(`The test '${name}' keeps its weights: ${table.crossed} units, ${(100 * share).toPrecision(2)} %, met several variants, so that nothing can be learnt of them. Assign units by assignSticky() and give its variant to expose().`, { name, crossed: table.crossed, units: table.units }));
    return undefined;
  }
  const variants = definition.variants.map((variant) => variant.name);
  const found = adaptedWeights({ variants, metric: adaptiveMetric(definition.metrics), plan: adaptive }, table);
  if (found === undefined || !isWorthwhile(definition, found.weights)) return undefined;
  const weights = Object.fromEntries(variants.map((variant, v) => [variant, found.weights[v]!]));
  return { weights, evidence: found.evidence, author: { by: 'adaptive', reason: `What ${table.units} units came to, by ${found.evidence.method}.` } };
}

function isWorthwhile({ variants }: ExperimentDefinition, weights: readonly number[]): boolean {
  const all = variants.reduce((sum, { weight = 1 }) => sum + weight, 0);
  return variants.some(({ weight = 1 }, v) => Math.abs(weight / all - weights[v]!) >= leastChange);
}
