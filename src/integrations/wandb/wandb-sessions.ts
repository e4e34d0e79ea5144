import type { OperationOptions } from '../../core/progress.ts';
import { fileDamage } from '../../tracking/interchange/file-damage.ts';
import type { ImportDamage } from '../../tracking/interchange/imported-run.ts';
import { fileIn, filesWithin, type SourceDirectory, type SourceFile } from '../../tracking/interchange/source-directory.ts';
import { emptyDetails, takeDetails, type WandbDetails } from './wandb-details.ts';
import { wandbLog } from './wandb-log.ts';
import { WandbRows } from './wandb-rows.ts';

/** What one process wrote of a run: a file. A run that was resumed has several. */
export interface WandbSession {
  readonly file: SourceFile;
  /** Who the run is. */
  readonly source: string;
  readonly details: WandbDetails;
  /** The step of its first row; -1 when it has none. */
  readonly firstStep: number;
  /** How many records can be read. */
  readonly records: number;
}

/** The files that are meant: of a directory, all `.wandb` files in it and within it. */
export async function* wandbFiles(from: SourceFile | readonly SourceFile[] | SourceDirectory, options: OperationOptions): AsyncGenerator<SourceFile | ImportDamage> {
  if (!('list' in from)) return yield* 'open' in from ? [from] : from;
  const faults: ImportDamage[] = [];
  for await (const path of filesWithin(from, '', (where, error) => faults.push(fileDamage('wandb:', where, error)), options)) {
    yield* faults.splice(0);
    if (path.endsWith('.wandb')) yield fileIn(from, path);
  }
  yield* faults;
}

/** Reads all that a file says of its run but for the points, or says why it is of none. */
export async function readSession(file: SourceFile, options: OperationOptions): Promise<WandbSession | ImportDamage> {
  const details = emptyDetails();
  const rows = new WandbRows();
  let records = 0;
  try {
    for await (const found of wandbLog(file, options)) {
      for (const record of found) {
        // Told again, and then with the points, at the second reading.
        if (!('bytes' in record)) continue;
        records++;
        sound(() => takeDetails(details, record.bytes));
        if (rows.lastStep < 0) sound(() => rows.points(record.bytes));
      }
    }
  } catch (error) {
    return fileDamage(`wandb:${file.name}`, file.name, error);
  }
  if (details.runId === '') return { source: `wandb:${file.name}`, where: file.name, offset: 0, message: 'It does not say which run it is of; nothing is imported.' };
  return { file, source: `wandb:${details.entity}/${details.project}/${details.runId}`, details, firstStep: rows.lastStep, records };
}

/** The sessions of a run as they followed each other, whatever the order they come in. Of a file and a copy of it, or of the beginning of it, the longer one stays. */
export async function inOrder(sessions: readonly WandbSession[], options: OperationOptions): Promise<WandbSession[]> {
  const startOf = ({ details }: WandbSession): number => details.startedAt ?? 0;
  const sorted = [...sessions].sort((a, b) => startOf(a) - startOf(b) || a.firstStep - b.firstStep || b.records - a.records || (a.file.name < b.file.name ? -1 : 1));
  const kept: WandbSession[] = [];
  for (const session of sorted) {
    let isCopy = false;
    for (const other of kept) isCopy ||= startOf(other) === startOf(session) && (await isBeginningOf(session, other, options));
    if (!isCopy) kept.push(session);
  }
  return kept;
}

/** What all sessions together say of their run: the later word counts. */
export function joinDetails(sessions: readonly WandbSession[]): WandbDetails {
  const joined = emptyDetails();
  for (const { details } of sessions) {
    const { config, summary, startedAt, exitCode, runtime, ...rest } = details;
    Object.assign(joined, Object.fromEntries(Object.entries(rest).filter(([, value]) => value.length > 0)));
    for (const [key, value] of config) joined.config.set(key, value);
    for (const [key, value] of summary) joined.summary.set(key, value);
    joined.startedAt ??= startedAt;
    // The run has not ended when its last session has not.
    joined.exitCode = exitCode;
    joined.runtime = exitCode === undefined || startedAt === undefined ? runtime : (startedAt - joined.startedAt!) / 1000 + (runtime ?? 0);
  }
  return joined;
}

/** `undefined` when the bytes are no message. */
export function sound<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function isBeginningOf(short: WandbSession, long: WandbSession, options: OperationOptions): Promise<boolean> {
  const others = recordsOf(long.file, options);
  try {
    for await (const bytes of recordsOf(short.file, options)) {
      const other = (await others.next()).value;
      if (other === undefined || other.length !== bytes.length || bytes.some((byte, i) => byte !== other[i])) return false;
    }
    return true;
  } finally {
    await others.return(undefined);
  }
}

async function* recordsOf(file: SourceFile, options: OperationOptions): AsyncGenerator<Uint8Array, undefined> {
  for await (const records of wandbLog(file, options)) for (const record of records) if ('bytes' in record) yield record.bytes;
}
