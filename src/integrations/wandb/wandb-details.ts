import { lenientJson } from '../../tracking/interchange/lenient-json.ts';
import { ProtoReader } from './proto-reader.ts';

/** What a W&B file says of its run beside the rows of its history. */
export interface WandbDetails {
  runId: string;
  entity: string;
  project: string;
  group: string;
  jobType: string;
  name: string;
  notes: string;
  labels: string[];
  sweep: string;
  host: string;
  commit: string;
  /** Epoch milliseconds. */
  startedAt: number | undefined;
  /** Values by the path of their keys, as JSON keeps it. */
  config: Map<string, unknown>;
  summary: Map<string, unknown>;
  exitCode: number | undefined;
  /** Seconds. */
  runtime: number | undefined;
}

/** An empty record to read into. */
export function emptyDetails(): WandbDetails {
  return {
    runId: '', entity: '', project: '', group: '', jobType: '', name: '', notes: '', labels: [], sweep: '', host: '', commit: '',
    startedAt: undefined, config: new Map(), summary: new Map(), exitCode: undefined, runtime: undefined,
  };
}

/** Field numbers of `Record` in W&B's `wandb_internal.proto`. */
export const recordFields = { history: 2, summary: 3, config: 5, stats: 7, run: 17, exit: 18 } as const;

/** Takes what a record says of the run; rows of the history are passed over. Throws `RangeError` when it is no record. */
export function takeDetails(details: WandbDetails, bytes: Uint8Array): void {
  const record = new ProtoReader(bytes);
  while (record.next()) {
    if (record.field === recordFields.run) takeRun(details, record.message());
    else if (record.field === recordFields.config) takeItems(details.config, record.message());
    else if (record.field === recordFields.summary) takeItems(details.summary, record.message());
    else if (record.field === recordFields.exit) {
      const exit = record.message();
      details.exitCode = 0;
      while (exit.next()) {
        if (exit.field === 1) details.exitCode = exit.number;
        else if (exit.field === 2) details.runtime = exit.number;
      }
    }
  }
}

const texts = { 1: 'runId', 2: 'entity', 3: 'project', 6: 'group', 7: 'jobType', 8: 'name', 9: 'notes', 12: 'sweep', 13: 'host' } as const;

function takeRun(details: WandbDetails, run: ProtoReader): void {
  let labels: string[] | undefined;
  while (run.next()) {
    const text = texts[run.field as keyof typeof texts];
    if (text !== undefined) details[text] = run.text();
    else if (run.field === 4) takeItems(details.config, run.message());
    else if (run.field === 5) takeItems(details.summary, run.message());
    else if (run.field === 10) (labels ??= []).push(run.text());
    else if (run.field === 17) details.startedAt = timeOf(run.message());
    else if (run.field === 21) {
      const git = run.message();
      while (git.next()) if (git.field === 2) details.commit = git.text();
    }
  }
  if (labels !== undefined) details.labels = labels;
}

/** Epoch milliseconds of a protobuf `Timestamp`. */
export function timeOf(timestamp: ProtoReader): number {
  let ms = 0;
  while (timestamp.next()) ms += timestamp.field === 1 ? timestamp.number * 1000 : timestamp.field === 2 ? Math.floor(timestamp.number / 1e6) : 0;
  return ms;
}

/** Updates (field 1) and removals (field 2) of a config or summary. */
function takeItems(values: Map<string, unknown>, items: ProtoReader): void {
  while (items.next()) {
    if (items.field !== 1 && items.field !== 2) continue;
    const { path, json } = readItem(items.message());
    if (path.length === 0) continue;
    const key = JSON.stringify(path);
    if (items.field === 1) values.set(key, lenientJson(json) ?? null);
    else values.delete(key);
  }
}

/** The path of an item's key, and its value as JSON. */
export function readItem(item: ProtoReader): { path: string[]; json: string } {
  const path: string[] = [];
  let json = '';
  while (item.next()) {
    if (item.field === 1) path.unshift(item.text());
    else if (item.field === 2) path.push(item.text());
    else if (item.field === 16) json = item.text();
  }
  return { path: path.length > 1 && path[0] === '' ? path.slice(1) : path, json };
}
