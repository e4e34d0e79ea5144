import * as z from 'zod/mini';
import { collectBytes } from '../core/bytes.ts';
import { decode, encode } from '../core/codec.ts';
import { contentChunks } from '../core/content.ts';
import type { Digest } from '../core/digest.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import { describeFailure, type FailureRecord } from '../core/failure.ts';
import { isId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import { newestFirst } from '../core/newest-first.ts';
import { signalOption } from '../core/option-schemas.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { isDamage, readEach } from '../storage/read-each.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { MaturityReport, MaturityTrendPoint, VerifiedFiles } from './maturity-report.ts';

/** Which reports are listed. */
export interface MaturityReportsOptions extends OperationOptions {
  /** Where they are kept. */
  readonly storage: StorageAdapter;
  /** At most so many, up to 100. @default 20 */
  readonly limit?: number | undefined;
  /** The `next` of the page before. @default from the newest */
  readonly after?: string | undefined;
}

/** A report that cannot be read. */
export interface DamagedMaturityReport {
  /** Its id. */
  readonly id: string;
  /** Why it cannot be read. */
  readonly error: FailureRecord;
}

/** Part of the reports of a store, the newest first. */
export interface MaturityReportPage extends Page<MaturityReport> {
  /** Reports of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedMaturityReport[];
}

const prefix = 'maturity/reports/';
const lastTime = 2 ** 48 - 1;
const schema = z.strictObject({ storage: storageOption, limit: z.optional(z.int().check(z.minimum(1), z.maximum(100))), after: z.optional(z.string()), signal: signalOption });

/** What is stored of a report: in short, and where the whole of it is. A report of many models is larger than a record may be. */
interface StoredReport {
  readonly point: MaturityTrendPoint;
  readonly verified: readonly VerifiedFiles[];
  readonly report: Digest;
}

/** A page of the reports of a store. */
export async function listReports(options: MaturityReportsOptions): Promise<MaturityReportPage> {
  const { storage, limit = 20, after, signal } = check(schema, options, 'options') as MaturityReportsOptions;
  if (after !== undefined && !/^[0-9a-f]{12}-[0-9a-f-]{36}$/.test(after)) throw new ValidationError(`options.after is ${shown(after, 80)}; give the next of a page.`, { path: 'options.after' });
  const { stored, damaged, next } = await readStored(storage, { limit, after, signal });
  const items: MaturityReport[] = [];
  for (const { point, report } of stored) {
    try {
      items.push(await readReport(storage, report, { signal }));
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ id: point.id, error: describeFailure(error) });
    }
  }
  return { items, damaged, ...(next !== undefined && { next }) };
}

/** The reports before a moment in short, the newest first, as far as one of two questions is open: the trend, and which files were verified since another moment. */
export async function earlierReports(storage: StorageAdapter, { until, verifiedSince, trend, signal }: { readonly until: number; readonly verifiedSince: number; readonly trend: number } & OperationOptions): Promise<{ readonly trend: readonly MaturityTrendPoint[]; readonly verified: readonly VerifiedFiles[]; readonly damaged: readonly DamagedMaturityReport[] }> {
  const points: MaturityTrendPoint[] = [];
  const verified = new Map<string, VerifiedFiles>();
  const broken: DamagedMaturityReport[] = [];
  let after: string | undefined;
  do {
    const { stored, damaged, next } = await readStored(storage, { limit: 100, after, signal });
    broken.push(...damaged);
    for (const { point, verified: files } of stored) {
      if (point.at > until) continue;
      if (points.length < trend) points.push(point);
      else if (point.at < verifiedSince) return { trend: points, verified: [...verified.values()], damaged: broken };
      for (const each of files) {
        const name = JSON.stringify([each.model, each.version, each.digest]);
        if (!verified.has(name)) verified.set(name, each);
      }
    }
    after = next;
  } while (after !== undefined);
  return { trend: points, verified: [...verified.values()], damaged: broken };
}

async function readStored(storage: StorageAdapter, { limit, after, signal }: { readonly limit: number; readonly after: string | undefined } & OperationOptions): Promise<{ readonly stored: readonly StoredReport[]; readonly damaged: DamagedMaturityReport[]; readonly next: string | undefined }> {
  const { entries, next } = await storage.list({ prefix, limit, after: after === undefined ? undefined : prefix + after }, { signal });
  const found = entries.map(({ key }) => key);
  const stored: StoredReport[] = [];
  const damaged: DamagedMaturityReport[] = [];
  for (const [i, record] of (await readEach<StoredReport>(storage, found, { signal })).entries()) {
    if (record === undefined) continue;
    if ('error' in record) damaged.push({ id: idOf(found[i]!), error: describeFailure(record.error) });
    else stored.push(record.value);
  }
  return { stored, damaged, next: next?.slice(prefix.length) };
}

async function readReport(storage: StorageAdapter, digest: Digest, options: OperationOptions): Promise<MaturityReport> {
  const chunks = await storage.readBlob(digest, options);
  if (chunks === undefined) throw new IntegrityError(`The report ${digest} is gone; restore the blob from a copy.`, { key: digest });
  return decode(await collectBytes(chunks), digest) as MaturityReport;
}

/** Stores a report, once however often the write is repeated. */
export async function storeReport(storage: StorageAdapter, report: MaturityReport, { signal }: OperationOptions): Promise<void> {
  const key = keyOf(report);
  const { digest } = await storage.writeBlob(contentChunks(encode(report, key), key), { signal });
  const stored: StoredReport = { point: trendPoint(report), verified: report.verified, report: digest };
  await storage.write([{ kind: 'put', key, bytes: encode(stored, key), blobs: [digest], condition: 'absent', operationId: report.id }], { signal });
}

function trendPoint({ id, assessedAt: at, level, project: { levels }, models, policy }: MaturityReport): MaturityTrendPoint {
  const passed = models.reduce((sum, { checks }) => sum + checks.filter(({ status }) => status === 'pass').length, 0);
  return { id, at, level, levels, passed, policy };
}

function keyOf({ id, assessedAt }: MaturityReport): Key {
  const time = Math.min(Math.max(0, Math.floor(assessedAt)), lastTime);
  return `${prefix}${newestFirst(time.toString(16).padStart(12, '0'))}-${newestFirst(id)}`;
}

function idOf(key: Key): string {
  const id = newestFirst(key.slice(prefix.length + 13));
  return isId(id) ? id : key;
}
