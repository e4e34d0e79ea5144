import type { RolloutCheck } from './guardrail.ts';

/** What is asked of a monitor: its stored verdicts, oldest first. A `DriftMonitor` is one. */
export interface DriftVerdictSource {
  /** One page of them. */
  verdicts(options: { readonly after?: string | undefined }): Promise<{ readonly items: readonly DriftVerdictFacts[]; readonly next?: string | undefined }>;
}

/** A verdict on a window, as far as a rollout goes by it. */
export interface DriftVerdictFacts {
  /** What it came to. */
  readonly status: 'drifted' | 'stable' | 'insufficient';
  /** In words. */
  readonly summary: string;
  /** The window that was judged. */
  readonly window: { readonly number: number; readonly from?: number | undefined; readonly versions: Readonly<Record<string, number>> };
}

/** Whether something has verdicts to go by. */
export function isDriftSource(monitor: unknown): monitor is DriftVerdictSource {
  return typeof (monitor as Partial<DriftVerdictSource> | null | undefined)?.verdicts === 'function';
}

/** A check by the newest window of a monitor that began in the present stage and has rows of the candidate. Verdicts are read and not taken, so that whoever else waits for them gets them too. */
export function driftCheck(monitor: DriftVerdictSource): RolloutCheck {
  let after: string | undefined;
  let newest: DriftVerdictFacts | undefined;
  return async ({ candidate, since }) => {
    for (;;) {
      const { items, next }: Awaited<ReturnType<DriftVerdictSource['verdicts']>> = await monitor.verdicts({ after });
      newest = items.findLast((each) => rowsOf(each, candidate) > 0) ?? newest;
      if (next === undefined) break;
      after = next;
    }
    const { status, summary, window } = newest ?? {};
    const rows = newest ? rowsOf(newest, candidate) : 0;
    if (window === undefined || rows === 0 || (window.from ?? 0) < since) return { status: 'inconclusive', reason: 'no window with rows of the candidate has begun and ended in this stage yet.' };
    const evidence = { window: window.number, rows };
    if (status === 'insufficient') return { status: 'inconclusive', reason: summary, evidence };
    return { status: status === 'drifted' ? 'failed' : 'success', reason: summary, evidence };
  };
}

function rowsOf({ window }: DriftVerdictFacts, version: number): number {
  return window.versions[String(version)] ?? 0;
}
