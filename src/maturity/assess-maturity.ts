import type { AssessMaturityOptions } from './maturity-options.ts';
import type { MaturityReport } from './maturity-report.ts';
import type { MaturityReportPage, MaturityReportsOptions } from './stored-reports.ts';

/**
 * How mature the models in production are kept, from 0 (by hand) to 3 (delivered automatically, in a closed loop), by 26 checks of what the records of a store really say: runs, versions and their history, pipelines and what began them, features, monitors and alerts, rollouts and A/B
 * tests. A check that the records do not answer is `unknown` and says what to record; nothing is guessed. The level of a model is the highest whose required checks all pass; that of the project is the lowest of its models.
 *
 * Everything is read page by page, of runs no more than the policy says, and one damaged record hides no other. The report is stored, for the trend; with `store: false` nothing is written. What people declare (`attestations`) stands beside what was measured, and is never mixed with it.
 *
 * Throws `ValidationError` for options or a policy that are not what they must be, `NotFoundError` for a model that is named and is not in production, and `AbortedError` when the signal fires.
 *
 * @example
 * ```ts
 * import { assessMaturity, MemoryStorage, Registry } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const registry = new Registry({ storage });
 * await registry.createModel('fraud');
 * await registry.registerVersion('fraud', { files: { 'model.json': '{}' } });
 * await registry.promote('fraud@1', 'production', { by: 'ada', reason: 'the first' });
 *
 * const { level, project, models } = await assessMaturity({ storage });
 * console.log(level, project.nextFix?.fix); // 0 Register versions with …
 * for (const { id, status, reason } of models[0]!.checks) console.log(id, status, reason);
 * ```
 */
export async function assessMaturity(options: AssessMaturityOptions): Promise<MaturityReport> {
  // Who never asks need not load all that is read for it.
  const { assess } = await import('./assess.ts');
  return assess(options);
}

/**
 * The reports that were stored, the newest first and page by page. One that cannot be read is in `damaged` and hides no other.
 *
 * Throws `ValidationError` for a cursor that no page gave.
 *
 * @example
 * ```ts
 * import { assessMaturity, maturityReports, MemoryStorage } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * await assessMaturity({ storage });
 * const { items } = await maturityReports({ storage, limit: 1 });
 * console.log(items[0]?.level); // 0
 * ```
 */
export async function maturityReports(options: MaturityReportsOptions): Promise<MaturityReportPage> {
  const { listReports } = await import('./stored-reports.ts');
  return listReports(options);
}
