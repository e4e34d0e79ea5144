import * as z from 'zod/mini';
import { encode } from '../../core/codec.ts';
import { newId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll, readValues } from '../../storage/records.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import { parseVersionedName } from '../definitions/feature-ref.ts';
import type { CheckOutcome, CheckReport } from './check-run.ts';
import { momentOf } from './served-answers.ts';

/** What checks came to over all: `failed` when one whose severity is `error` did, `warned` when only warnings did. */
export type CheckStatus = 'passed' | 'warned' | 'failed';

/** What one check came to, as it is kept: without its message, which may show values of someone. */
export type StoredCheckOutcome = Omit<CheckOutcome, 'message'>;

/** What the checks of one ingestion came to. */
export interface CheckResult {
  /** Names the result. */
  readonly id: string;
  /** When the ingestion had ended, epoch milliseconds. */
  readonly at: number;
  /** The version of the view that rows came into. */
  readonly viewVersion: number;
  /** The suite and its version, such as `delay_rows@2`; absent when the checks were given. */
  readonly suite?: string | undefined;
  /** The `batchId` that the rows came with, if any. */
  readonly batchId?: string | undefined;
  /** Over all checks. */
  readonly status: CheckStatus;
  /** Whether the ingestion ended with an error since rows were invalid. */
  readonly refused: boolean;
  /** How many rows the checks looked at. */
  readonly rows: number;
  /** How many of them were taken in as new. */
  readonly ingested: number;
  /** How many rows were set aside. */
  readonly quarantined: number;
  /** One for each check. */
  readonly outcomes: readonly StoredCheckOutcome[];
}

/** Which results are wanted. */
export interface CheckResultsQuery extends OperationOptions {
  /** Those of a suite: `delay_rows` for all of its versions, `delay_rows@2` for that one. @default of any, and of checks that were given */
  suite?: string | undefined;
  /** Those of rows that came with this `batchId`. @default any */
  batchId?: string | undefined;
  /** Those that came to this. @default any */
  status?: CheckStatus | undefined;
  /** From this moment on: epoch milliseconds, a date, or ISO 8601 text. @default from the first */
  from?: number | Date | string | undefined;
  /** Up to this moment, inclusive. @default to the last */
  to?: number | Date | string | undefined;
  /** The `next` of the page before. @default from the newest */
  after?: string | undefined;
  /** At most so many. @default 100 */
  limit?: number | undefined;
}

type StoredResult = Omit<CheckResult, 'id'>;

const moment = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const schema = /* @__PURE__ */ z.strictObject({
  suite: z.optional(z.string()),
  batchId: z.optional(z.string()),
  status: z.optional(z.enum(['passed', 'warned', 'failed'])),
  from: moment,
  to: moment,
  after: z.optional(z.string()),
  limit: z.optional(z.int().check(z.minimum(1))),
  signal: signalOption,
});
const lastMoment = 10 ** 16 - 1;
const resultsPerRead = 64;

/** Keeps what the checks of an ingestion came to. */
export async function noteCheckResult(storage: StorageAdapter, { view, version }: CurrentView, { suite, outcomes }: CheckReport, result: Omit<StoredResult, 'viewVersion' | 'suite' | 'status' | 'outcomes'>, options: OperationOptions): Promise<void> {
  const failed = new Set(outcomes.filter(({ status }) => status === 'failed').map(({ severity }) => severity));
  const stored: StoredResult = {
    ...result,
    viewVersion: version,
    suite,
    status: failed.has('error') ? 'failed' : failed.has('warning') ? 'warned' : 'passed',
    outcomes: outcomes.map(({ message: _, ...outcome }) => outcome),
  };
  const key = `${prefixOf(view.name)}${placeOf(result.at)}-${newId()}`;
  await storage.write([{ kind: 'put', key, bytes: encode(stored, key), condition: 'absent', operationId: newId() }], options);
}

/** What the checks of a view's ingestions came to, the newest first. */
export async function checkResults(storage: StorageAdapter, view: string, query: CheckResultsQuery): Promise<Page<CheckResult>> {
  check(schema, query, 'query');
  const { suite, batchId, status, limit = 100, signal } = query;
  const wanted = suite === undefined ? undefined : parseVersionedName(suite, 'query.suite');
  const [from, to] = [momentOf(query.from, 'query.from', -Infinity), momentOf(query.to, 'query.to', Infinity)];
  const isWanted = (found: StoredResult): boolean =>
    found.at >= from && found.at <= to && (batchId === undefined || found.batchId === batchId) && (status === undefined || found.status === status) && (wanted === undefined || (wanted.version === undefined ? found.suite?.startsWith(`${wanted.name}@`) === true : found.suite === suite));
  const prefix = prefixOf(view);
  const items: CheckResult[] = [];
  for await (const keys of keysOf(storage, prefix, query.after, { signal })) {
    const found = await readValues<StoredResult>(storage, keys, { signal });
    for (const [i, key] of keys.entries()) {
      const result = found[i]?.value;
      if (result === undefined || !isWanted(result)) {
        // Those behind it are older still.
        if (result !== undefined && result.at < from) return { items };
        continue;
      }
      if (items.length === limit) return { items, next: items.at(-1)!.id };
      items.push({ id: key.slice(prefix.length), ...result });
    }
  }
  return { items };
}

async function* keysOf(storage: StorageAdapter, prefix: string, after: string | undefined, options: OperationOptions): AsyncGenerator<Key[]> {
  let keys: Key[] = [];
  for await (const { key } of listAll(storage, { prefix, after: after === undefined ? undefined : prefix + after }, options)) {
    keys.push(key);
    if (keys.length < resultsPerRead) continue;
    yield keys;
    keys = [];
  }
  if (keys.length > 0) yield keys;
}

function prefixOf(view: string): Key {
  return `features/checked/${escapeSegment(view)}/`;
}

/** What names a moment in keys so that later ones come first. */
function placeOf(at: number): string {
  return String(lastMoment - Math.max(0, Math.floor(at))).padStart(16, '0');
}
