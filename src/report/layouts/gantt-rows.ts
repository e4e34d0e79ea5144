import type { StepResult } from '../../pipelines/step-result.ts';

/**
 * What a step did for a while: an `attempt` that ended well, one that `failed`, one that `failed` and of which only the end is known (`failed-between`), a `pause` before the next attempt, a `wait` for a moment or for somebody, or an output that
 * was taken from an earlier run (`cached`), which takes no time.
 */
export type GanttSpanKind = 'attempt' | 'failed' | 'failed-between' | 'pause' | 'wait' | 'cached';

/** A stretch of time in the row of a step. */
export interface GanttSpan {
  readonly kind: GanttSpanKind;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  /** What it was, in words. */
  readonly what: string;
}

/**
 * What a step did, one stretch after the other. Of a step the beginning of its first attempt is recorded, the ends of those that failed, and how long the last one took: what lies between two failures is told as one stretch.
 */
export function ganttSpans(step: StepResult, until: number): GanttSpan[] {
  const { startedAt, endedAt, cache, failures, durationMs, waitingFor, waited, status } = step;
  if (cache !== undefined && endedAt !== undefined) return [{ kind: 'cached', from: endedAt, to: endedAt, what: `taken from run ${cache.run}` }];
  if (startedAt === undefined) return [];
  const end = endedAt ?? until;
  const wait = waitingFor ?? waited;
  const spans: GanttSpan[] = [];
  let before: number | undefined = step.attempts > failures.length + 1 && failures[0]?.attempt !== 1 ? undefined : startedAt;
  for (const [i, { attempt, at, failure }] of failures.entries()) {
    const last = i === failures.length - 1 && attempt === step.attempts;
    const from = last && durationMs !== undefined ? Math.max(at - durationMs, before ?? startedAt) : (before ?? startedAt);
    if (before !== undefined && from > before) spans.push({ kind: 'pause', from: before, to: from, what: `pause before attempt ${attempt}` });
    const known = last || attempt === 1;
    spans.push({ kind: known ? 'failed' : 'failed-between', from, to: at, what: `attempt ${attempt} failed: ${failure.message}` });
    before = at;
  }
  const failedLast = failures.at(-1)?.attempt === step.attempts;
  if (failedLast && status !== 'retrying') return spans;
  if (failedLast) return [...spans, { kind: 'pause', from: before ?? startedAt, to: end, what: `pause before attempt ${step.attempts + 1}` }];
  const attemptEnd = Math.max(startedAt, Math.min(wait?.since ?? end, end));
  const began = failures.length === 0 || durationMs === undefined ? (before ?? startedAt) : Math.max(before ?? startedAt, attemptEnd - durationMs);
  if (failures.length > 0 && began > before!) spans.push({ kind: 'pause', from: before!, to: began, what: `pause before attempt ${step.attempts}` });
  const ended = status === 'failed' && wait === undefined ? 'failed' : 'attempt';
  if (attemptEnd > began || wait === undefined) spans.push({ kind: ended, from: began, to: attemptEnd, what: attemptText(step, ended) });
  if (wait !== undefined) spans.push({ kind: 'wait', from: attemptEnd, to: end, what: waitText(wait.kind, waitingFor !== undefined) });
  return spans;
}

function attemptText({ attempts, status, because, failure }: StepResult, kind: 'failed' | 'attempt'): string {
  if (kind === 'failed') return `attempt ${attempts} failed${failure ? `: ${failure.message}` : ''}`;
  if (status === 'cancelled') return `attempt ${attempts} was stopped${because ? `: ${because}` : ''}`;
  return `attempt ${attempts}`;
}

const waits = { sleep: 'for a moment', approval: 'for approval', quarantine: 'for a release from quarantine' } as const;

function waitText(kind: keyof typeof waits, open: boolean): string {
  return `${open ? 'waits' : 'waited'} ${waits[kind]}`;
}
