import type { StepResult } from '../../pipelines/step-result.ts';
import type { StepStatus } from '../../pipelines/run-state.ts';
import { formatDuration } from '../svg/format.ts';
import type { Sign } from '../svg/signs.ts';

/** How the state of a step is shown: in words, by a sign, and by the border of its box. */
export interface StepLook {
  readonly word: string;
  readonly sign: Sign;
  readonly color: number | undefined;
  readonly border: 'plain' | 'dashed' | 'thick';
}

const looks: Readonly<Record<StepStatus, StepLook>> = {
  pending: { word: 'pending', sign: 'dots', color: undefined, border: 'plain' },
  running: { word: 'running', sign: 'ring', color: 0, border: 'plain' },
  retrying: { word: 'retrying', sign: 'ring', color: 4, border: 'plain' },
  waiting: { word: 'waiting', sign: 'pause', color: 4, border: 'thick' },
  succeeded: { word: 'succeeded', sign: 'check', color: 2, border: 'plain' },
  failed: { word: 'failed', sign: 'cross', color: 1, border: 'thick' },
  skipped: { word: 'skipped', sign: 'dash', color: undefined, border: 'dashed' },
  upstream_failed: { word: 'not run: upstream failed', sign: 'blocked', color: 1, border: 'dashed' },
  cancelled: { word: 'cancelled', sign: 'stop', color: undefined, border: 'thick' },
};

/** How a step is shown. An output that was taken from an earlier run has a sign of its own. */
export function stepLook({ status, cache }: StepResult): StepLook {
  return cache === undefined ? looks[status] : { word: 'cached', sign: 'diamond', color: 0, border: 'plain' };
}

/** How long a step took from its first attempt to its end; `undefined` where that is not known. */
export function stepTook({ startedAt, endedAt, cache }: StepResult): number | undefined {
  return startedAt === undefined || endedAt === undefined || cache !== undefined ? undefined : Math.max(0, endedAt - startedAt);
}

/** The state of a step in a few words: what it came to, after how many attempts, of how many items, how long it took. */
export function stepWords(step: StepResult): string {
  const took = stepTook(step);
  const attempts = step.attempts > 1 ? `${step.attempts} attempts` : undefined;
  const items = step.items === undefined ? undefined : `${step.items.succeeded}/${step.items.total} items`;
  return [stepLook(step).word, took === undefined ? undefined : formatDuration(took), attempts, items].filter((part) => part !== undefined).join(' · ');
}

/** Why a step did not succeed, or what it waits for; `undefined` where there is nothing to say. */
export function stepWhy({ failure, because, waitingFor }: StepResult): string | undefined {
  return failure?.message ?? because ?? (waitingFor && `waits: ${waitingFor.asks ?? waitingFor.kind}`);
}
