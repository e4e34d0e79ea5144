import { throwIfAborted } from '../../core/abort.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { LabelLog } from './label-log.ts';
import { groupsOf, type ReadRows } from './label-rows.ts';
import { PredictionTable } from './prediction-table.ts';

/** Which predictions are joined with which labels. */
export interface JoinRequest extends OperationOptions {
  /** The beginnings of the periods whose predictions are meant, ascending. */
  readonly periods: readonly number[];
  /** The length of a period, and how long before its prediction a label may come. */
  readonly everyMs: number;
  /** How long after its prediction a label may come. */
  readonly maxDelayMs: number;
  /** Labels are read up to the period of this moment. */
  readonly now: number;
  /** How many predictions are held in memory at once. @default 262144, or as many as take the same memory with what is kept with each */
  readonly held?: number | undefined;
}

/** Is told of each prediction once, in no order, with the newest of its labels when there is one, with when it was made, and with the bytes that are kept with it in `bytes` from `from` on. */
export type VisitJoined = (period: number, version: string, prediction: number, label: number, labelled: boolean, at: number, bytes: Uint8Array, from: number) => void;

/**
 * Joins predictions with their labels in memory that does not grow with them: the ids are divided by their hash into as many parts as it takes, and the logs are read once for each part.
 */
export async function joinLabels(log: LabelLog, request: JoinRequest, visit: VisitJoined): Promise<void> {
  const groups = groupsOf(log.kept);
  const { periods, everyMs, maxDelayMs, now, held = Math.ceil((6 * 2 ** 18) / (6 + groups)), signal } = request;
  const options = { signal };
  const labelPeriods = labelPeriodsOf(request);
  let predictions = 0;
  for (const start of periods) for await (const { rows } of log.read('predictions', start, options)) predictions += rows;
  const parts = Math.max(1, Math.ceil(predictions / held));
  const names: string[] = [];
  const codes = new Map<string, number>();
  const codeOf = (name: string): number => {
    let code = codes.get(name);
    if (code === undefined) codes.set(name, (code = names.push(name) - 1));
    return code;
  };
  for (let part = 0; part < parts; part++) {
    const table = new PredictionTable(groups);
    for (const [p, start] of periods.entries()) {
      for await (const stretch of log.read('predictions', start, options)) {
        const { times, values, versions, bytes } = stretch;
        const own = stretch.names.map(codeOf);
        eachOfPart(stretch, part, parts, (high, low, i) => table.predict(high, low, p, times[i]!, values[i]!, own[versions[i]!]!, bytes, i));
      }
    }
    for (const start of labelPeriods) {
      throwIfAborted(signal, 'Joining labels');
      if (start > now) break;
      for await (const stretch of log.read('labels', start, options)) {
        const { times, values } = stretch;
        eachOfPart(stretch, part, parts, (high, low, i) => table.label(high, low, times[i]!, values[i]!, everyMs, maxDelayMs));
      }
    }
    table.forEach((p, version, prediction, label, labelled, at, bytes, from) => visit(periods[p]!, names[version]!, prediction, label, labelled, at, bytes, from));
  }
}

function eachOfPart({ rows, ids }: ReadRows, part: number, parts: number, visit: (high: number, low: number, row: number) => void): void {
  const share = parts / 2 ** 32;
  for (let i = 0; i < rows; i++) {
    const high = ids[2 * i + 1]!;
    if (parts === 1 || Math.floor((high >>> 0) * share) === part) visit(high, ids[2 * i]!, i);
  }
}

/** The beginnings of the periods whose labels may belong to the predictions: from the one before the first to the one in which the last may still be labelled. */
function labelPeriodsOf({ periods, everyMs, maxDelayMs }: JoinRequest): number[] {
  const starts = new Set<number>();
  const reach = Math.ceil(maxDelayMs / everyMs);
  for (const start of periods) for (let k = -1; k <= reach; k++) starts.add(start + k * everyMs);
  return [...starts].sort((a, b) => a - b);
}
