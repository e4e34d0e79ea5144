import type { AbAnalysis } from '../../experiments/analysis/ab-analysis.ts';
import { experimentKey } from '../../experiments/definition/experiment-record.ts';
import type { ExperimentState } from '../../experiments/definition/experiment-state.ts';
import { readHead } from '../../storage/head-record.ts';
import type { Assessment } from './assessment.ts';
import { eachEvent } from './event-pages.ts';

/** An A/B test that was ended for a version. */
export interface ShippedTest {
  readonly name: string;
  /** The version of the variant that everybody has since. */
  readonly version: number;
  /** The variant. */
  readonly variant: string;
  /** When, epoch milliseconds. */
  readonly at: number;
  /** The analysis that it rests on; absent where none was recorded with the end. */
  readonly analysis?: AbAnalysis | undefined;
}

/** Reads how a test ended; `undefined` when there is none of that name, it goes on, or it ended without a version. */
export async function readShippedTest(assessment: Assessment, name: string): Promise<ShippedTest | undefined> {
  const { storage, options, now } = assessment;
  const key = experimentKey(name);
  const state = await readHead<ExperimentState>({ storage, key }, options);
  const { stopped, definition } = state ?? {};
  if (stopped?.ship === undefined || stopped.at > now) return undefined;
  const version = definition?.variants.find((variant) => variant.name === stopped.ship)?.version;
  if (version === undefined) return undefined;
  let decision: unknown;
  for await (const event of eachEvent(assessment, key)) if (event.type === 'stopped') decision = (event.data as { readonly decision?: unknown }).decision;
  return { name, version, variant: stopped.ship, at: stopped.at, analysis: isAnalysis(decision) ? decision : undefined };
}

/** Whether what was recorded with an end has what an analysis has that judgement goes by: anything may be recorded. */
function isAnalysis(decision: unknown): decision is AbAnalysis {
  if (typeof decision !== 'object' || decision === null) return false;
  const { method, units, sampleRatio, metrics, decision: made } = decision as Partial<AbAnalysis>;
  return typeof method === 'string' && typeof units === 'number' && typeof sampleRatio?.status === 'string' && Array.isArray(metrics) && typeof made?.action === 'string';
}
