/**
 * When a step runs, by how the steps that it directly comes after ended; the rules and their meaning are those of Airflow 3. A rule that can no longer be met decides at
 * once, without waiting for the rest. A step that comes after none runs under every rule.
 *
 * - `all_success`: all succeeded. After a failure it is `upstream_failed`, after a skip `skipped`.
 * - `all_failed`: all failed or could not run.
 * - `all_done`: all ended, however they did.
 * - `all_done_min_one_success`: all ended, none was skipped, and at least one succeeded.
 * - `all_skipped`: all were skipped.
 * - `one_success`, `one_failed`, `one_done`: as soon as one succeeded; failed or could not run; succeeded or failed.
 * - `none_failed`: all ended, and each succeeded or was skipped.
 * - `none_failed_min_one_success`: the same, and at least one succeeded: what joins branches of which one was taken.
 * - `none_skipped`: all ended, and none was skipped.
 * - `always`: at once, whatever they do.
 */
export type TriggerRule =
  | 'all_success'
  | 'all_failed'
  | 'all_done'
  | 'all_done_min_one_success'
  | 'all_skipped'
  | 'one_success'
  | 'one_failed'
  | 'one_done'
  | 'none_failed'
  | 'none_failed_min_one_success'
  | 'none_skipped'
  | 'always';

/** Every {@link TriggerRule}. */
export const triggerRules: readonly TriggerRule[] = [
  'all_success',
  'all_failed',
  'all_done',
  'all_done_min_one_success',
  'all_skipped',
  'one_success',
  'one_failed',
  'one_done',
  'none_failed',
  'none_failed_min_one_success',
  'none_skipped',
  'always',
];

/** How many of the steps that a step comes after have ended in which way. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly upstreamFailed: number;
}

/** What a rule says of a tally: to run, to wait for more, or to end so without running. */
export type TriggerVerdict = 'run' | 'wait' | 'skipped' | 'upstream_failed';

/** Judges by a rule of which `total` is the number of steps that it looks at (after `trigger_rule_dep.py` of Airflow 3). */
export function triggerVerdict(rule: TriggerRule, { succeeded, failed, skipped, upstreamFailed }: Tally, total: number): TriggerVerdict {
  if (total === 0 || rule === 'always') return 'run';
  const bad = failed + upstreamFailed;
  const done = succeeded + bad + skipped === total;
  const whenDone: TriggerVerdict = done ? 'run' : 'wait';
  switch (rule) {
    case 'all_success':
      return bad > 0 ? 'upstream_failed' : skipped > 0 ? 'skipped' : whenDone;
    case 'all_failed':
      return succeeded + skipped > 0 ? 'skipped' : whenDone;
    case 'all_done':
      return whenDone;
    case 'all_done_min_one_success':
      return skipped > 0 ? 'skipped' : done && succeeded === 0 ? 'upstream_failed' : whenDone;
    case 'all_skipped':
      return succeeded + bad > 0 ? 'skipped' : whenDone;
    case 'one_success':
      if (succeeded > 0) return 'run';
      return !done ? 'wait' : skipped === total ? 'skipped' : 'upstream_failed';
    case 'one_failed':
      return bad > 0 ? 'run' : done ? 'skipped' : 'wait';
    case 'one_done':
      return succeeded + failed > 0 ? 'run' : done ? 'skipped' : 'wait';
    case 'none_failed':
      return bad > 0 ? 'upstream_failed' : whenDone;
    case 'none_failed_min_one_success':
      return bad > 0 ? 'upstream_failed' : skipped === total ? 'skipped' : whenDone;
    case 'none_skipped':
      return skipped > 0 ? 'skipped' : whenDone;
  }
}
