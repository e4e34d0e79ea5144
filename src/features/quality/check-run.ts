import type { Table } from '../../core/table.ts';
import { compileChecks, type CheckedShape, type CheckName, type MeasureColumn, type NoteInvalid, type RunChecks, type TableChecks } from '../table-checks.ts';
import type { DriftFinding } from './measure-drift.ts';

/** What becomes of rows that fail a check: an `error` has them refused or set aside, a `warning` is only told. */
export type CheckSeverity = 'error' | 'warning';

/** What one check came to over all rows that were looked at. */
export interface CheckOutcome {
  /** The column; absent of a check that is about all of them. */
  readonly column?: string | undefined;
  /** The check. */
  readonly check: CheckName;
  /** What becomes of rows that fail it. */
  readonly severity: CheckSeverity;
  /** `insufficient` when there were too few rows, or none, to say. */
  readonly status: 'passed' | 'failed' | 'insufficient';
  /** How many rows failed: all of a table that fails as a whole. */
  readonly rows: number;
  /** Of `maxDrift`, when it was measured: the distance, the largest of those of several tables. */
  readonly distance?: number | undefined;
  /** Where it was and what was wrong at first, or why nothing can be said; absent when the check passed. */
  readonly message?: string | undefined;
}

/** What checks came to. */
export interface CheckReport {
  /** The suite and its version, such as `delay_rows@2`; absent when the checks were given. */
  readonly suite?: string | undefined;
  /** One for each check. */
  readonly outcomes: readonly CheckOutcome[];
}

/** Checks that are of one severity, and where they were written down. */
export interface CheckPart {
  readonly severity: CheckSeverity;
  readonly checks: TableChecks;
  readonly path: string;
}

/** Checks that fit a view. */
export interface FittedChecks {
  readonly suite: string | undefined;
  readonly parts: readonly CheckPart[];
  readonly shape: CheckedShape;
  readonly now: () => number;
  /** Absent when no check measures drift. */
  readonly measure: ((part: CheckPart) => MeasureColumn) | undefined;
}

interface Count {
  readonly column: string | undefined;
  readonly check: CheckName;
  readonly severity: CheckSeverity;
  judged: boolean;
  rows: number;
  distance: number | undefined;
  message: string | undefined;
}

/** Goes over tables with checks, and counts what they come to. */
export class CheckRun {
  readonly #suite: string | undefined;
  readonly #counts = new Map<string, Count>();
  #rows = 0;
  readonly #parts: readonly { readonly severity: CheckSeverity; readonly run: RunChecks }[];

  constructor({ suite, parts, shape, now, measure }: FittedChecks) {
    this.#suite = suite;
    this.#parts = parts.map((part) => {
      const { severity, checks, path } = part;
      for (const { column, check } of namesOf(checks, shape)) this.#counts.set(idOf(severity, column, check), { column, check, severity, judged: false, rows: 0, distance: undefined, message: undefined });
      const run = compileChecks(checks, shape, path, now, measure?.(part), (column, finding) => this.#noteDrift(severity, column, finding));
      return { severity, run };
    });
  }

  /** How many rows were looked at. */
  get rows(): number {
    return this.#rows;
  }

  /** Looks at a table; notes the rows that are invalid. */
  run(table: Table, note: NoteInvalid): void {
    if (table.rowCount === 0) return;
    this.#rows += table.rowCount;
    for (const { severity, run } of this.#parts) {
      run(table, (row, reason) => {
        const count = this.#counts.get(idOf(severity, reason.column, reason.check))!;
        if (count.rows++ === 0) count.message = reason.message;
        if (severity === 'error') note(row, reason);
      });
    }
    for (const count of this.#counts.values()) if (count.check !== 'maxDrift') count.judged = true;
  }

  /** What the checks came to. */
  report(): CheckReport {
    const outcomes = [...this.#counts.values()].map(({ column, check, severity, judged, rows, distance, message }): CheckOutcome => {
      const status = rows > 0 ? 'failed' : judged ? 'passed' : 'insufficient';
      const told = status === 'passed' ? undefined : (message ?? 'There were no rows to look at.');
      return { ...(column !== undefined && { column }), check, severity, status, rows, ...(distance !== undefined && { distance }), ...(told !== undefined && { message: told }) };
    });
    return { ...(this.#suite !== undefined && { suite: this.#suite }), outcomes };
  }

  #noteDrift(severity: CheckSeverity, column: string, { status, distance, message }: DriftFinding): void {
    const count = this.#counts.get(idOf(severity, column, 'maxDrift'))!;
    if (distance !== undefined) count.distance = Math.max(count.distance ?? -Infinity, distance);
    if (status === 'insufficient') count.message ??= message;
    else count.judged = true;
  }
}

/** Each check that is asked for. */
function namesOf({ columns = {}, maxFuture, minRows }: TableChecks, { times }: CheckedShape): { readonly column: string | undefined; readonly check: CheckName }[] {
  const whole = minRows === undefined ? [] : [{ column: undefined, check: 'minRows' as const }];
  const future = maxFuture === undefined ? [] : times.map((column) => ({ column, check: 'maxFuture' as const }));
  const others = Object.entries(columns).flatMap(([column, rules]) => Object.entries(rules).flatMap(([check, rule]) => (rule === undefined || rule === false ? [] : [{ column, check: check as CheckName }])));
  return [...whole, ...future, ...others];
}

function idOf(severity: CheckSeverity, column: string | undefined, check: CheckName): string {
  return `${severity} ${check} ${column ?? ''}`;
}
