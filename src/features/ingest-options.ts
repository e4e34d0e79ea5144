import * as z from 'zod/mini';
import { progressOption, signalOption } from '../core/option-schemas.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { Row } from '../core/table.ts';
import type { CheckReport } from './quality/check-run.ts';
import type { TableChecks } from './table-checks.ts';

/** How rows are ingested. */
export interface IngestOptions extends LongOperationOptions {
  /** Whether the rows go online at once, too. @default false */
  online?: boolean | undefined;
  /** Names the rows, so that equal rows sent under two names count twice; pieces of what is too large for one batch are numbered. @default a digest of each batch */
  batchId?: string | undefined;
  /** What becomes of invalid rows: `fail` throws and writes nothing of their table, `quarantine` sets them aside and takes in the others. @default 'fail' */
  onInvalid?: 'fail' | 'quarantine' | undefined;
  /** What rows must be, besides having their keys, times, and values of the view's types: checks, or the name of a suite of them (`name@2` for that version). @default nothing more */
  validate?: TableChecks | string | undefined;
}

/** What an ingestion did. The counts of rows add up to the number of rows given. */
export interface IngestResult {
  /** Rows that are new. */
  readonly rows: number;
  /** Rows whose batch had been ingested before, and rows that had been set aside before. */
  readonly known: number;
  /** Rows that were set aside, which `quarantined()` lists. */
  readonly quarantined: number;
  /** How many batches the rows came in. */
  readonly batches: number;
  /** What the checks of `validate` came to, warnings too; absent without `validate`. */
  readonly checks?: CheckReport | undefined;
}

/** Which rows in quarantine are asked for. */
export interface QuarantinedQuery extends OperationOptions {
  /** The `next` of the page before. @default from the first */
  after?: string | undefined;
  /** At most this many. @default 100 */
  limit?: number | undefined;
}

/** A row in quarantine with what is right instead. */
export interface CorrectedRow {
  /** The row's `id`. */
  readonly id: string;
  /** Values by column, which take the place of what the row came with. @default none */
  readonly values?: Row | undefined;
}

/** How rows are released from quarantine. */
export interface ReleaseOptions extends OperationOptions {
  /** Whether the rows go online at once, too. @default false */
  online?: boolean | undefined;
  /** What the corrected rows must be, besides having their keys, times, and values of the view's types: checks, or the name of a suite, of which only the errors are looked at. @default nothing more */
  validate?: TableChecks | string | undefined;
}

const flag = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean());
const validate = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const ingestSchema = /* @__PURE__ */ z.strictObject({
  online: flag,
  batchId: z.optional(z.string().check(z.minLength(1))),
  onInvalid: z.optional(z.enum(['fail', 'quarantine'])),
  validate,
  signal: signalOption,
  onProgress: progressOption,
});
const quarantinedSchema = /* @__PURE__ */ z.strictObject({ after: z.optional(z.string()), limit: z.optional(z.int().check(z.minimum(1))), signal: signalOption });
const releaseSchema = /* @__PURE__ */ z.strictObject({ online: flag, validate, signal: signalOption });

/** Checks the options of `ingest`. */
export function checkIngestOptions(options: IngestOptions): void {
  check(ingestSchema, options, 'options');
}

/** Checks the options of `quarantined`. */
export function checkQuarantinedQuery(options: QuarantinedQuery): void {
  check(quarantinedSchema, options, 'options');
}

/** Checks the options of `releaseQuarantined`. */
export function checkReleaseOptions(options: ReleaseOptions): void {
  check(releaseSchema, options, 'options');
}
