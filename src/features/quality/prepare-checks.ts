import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import { rowShapeOf } from '../ingest-input.ts';
import type { RowCache } from '../row-cache.ts';
import { checkFit, checkTableChecks, type MeasureColumn, type TableChecks } from '../table-checks.ts';
import { CheckRun, type CheckPart } from './check-run.ts';

/** Makes the checks that an ingestion asks for ready: finds the suite by its name, and what its rows are compared with. */
export class CheckPreparer {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #rows: RowCache;

  constructor(storage: StorageAdapter, clock: Clock, rows: RowCache) {
    this.#storage = storage;
    this.#clock = clock;
    this.#rows = rows;
  }

  /** Checks for rows of a view; `undefined` when none are asked for. Throws when there is no such suite or reference, or they do not fit the view. */
  async prepare(current: CurrentView, validate: TableChecks | string | undefined, { signal }: OperationOptions): Promise<CheckRun | undefined> {
    if (validate === undefined) return undefined;
    const { suite, parts } = await this.#partsOf(validate, { signal });
    const shape = rowShapeOf(current);
    for (const { checks, path } of parts) checkFit(checks, shape, path);
    let measure: ((part: CheckPart) => MeasureColumn) | undefined;
    if (parts.some(({ checks }) => Object.values(checks.columns ?? {}).some(({ maxDrift }) => maxDrift !== undefined))) {
      const { loadReferences } = await import('./drift-references.ts');
      const sources = { storage: this.#storage, clock: this.#clock, current, snapshot: async () => (await this.#rows.load(current, { signal })).snapshot() };
      measure = await loadReferences(parts, shape, sources, { signal });
      this.#rows.trim();
    }
    return new CheckRun({ suite, parts, shape, now: () => this.#clock.now(), measure });
  }

  async #partsOf(validate: TableChecks | string, options: OperationOptions): Promise<{ suite: string | undefined; parts: readonly CheckPart[] }> {
    const path = 'options.validate';
    if (typeof validate !== 'string') {
      if (typeof validate !== 'object') throw new ValidationError(`${path} is ${shown(validate, 80)}; give the name of a suite of checks, or checks.`, { path });
      return { suite: undefined, parts: [{ severity: 'error', checks: checkTableChecks(validate, path), path }] };
    }
    const { getSuite } = await import('./stored-suites.ts');
    const { suite, version } = await getSuite(this.#storage, validate, path, options);
    const name = `${suite.name}@${version}`;
    return { suite: name, parts: [{ severity: 'error', checks: suite.errors, path: `${name}.errors` }, { severity: 'warning', checks: suite.warnings, path: `${name}.warnings` }] };
  }
}
