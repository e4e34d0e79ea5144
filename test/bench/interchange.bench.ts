import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Tracker, type RunSource, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { csvRuns, exportRunsCsv, exportRunsJsonl, jsonlRuns, mlrunsSource, sourceDirectory, sourceFile, tensorboardEvents, wandbSource } from 'modelkeep/interchange';
import { item, nested, number, wandbFile } from '../integrations/wandb-file.ts';
import { compare, type Benchmark } from './harness.ts';

const points = 500_000;
const startedAt = 1_700_000_000_000;
const about = { experiment: 'bench', startedAt };

/** Two metrics that take turns, one point a millisecond. */
const metric = (i: number): string => (i % 2 === 0 ? 'train/loss' : 'accuracy');
const value = (i: number): number => Math.sin(i);
const each = (line: (i: number) => string): Uint8Array => new TextEncoder().encode(Array.from({ length: points }, (_, i) => line(i)).join(''));
const linesOf = (bytes: Uint8Array): string[] => new TextDecoder().decode(bytes).split('\n').filter((line) => line !== '');

interface Bench {
  readonly bytes: Uint8Array;
  /** What is read into plain arrays, as a script would. */
  readonly values: Float64Array;
}

const made = (bytes: Uint8Array): Bench => ({ bytes, values: new Float64Array(points) });

async function into(storage: StorageAdapter, source: RunSource): Promise<void> {
  const { imported, damageCount } = await new Tracker({ storage }).importRuns(source);
  const total = imported.reduce((sum, run) => sum + run.points, 0);
  if (total !== points || damageCount !== 0) throw new Error(`Imported ${total} points with ${damageCount} damages.`);
}

const csv = (): Bench => made(each((i) => `${i === 0 ? 'run,metric,step,timestamp,value\n' : ''}a,${metric(i)},${i >> 1},${startedAt + i},${value(i)}\n`));

function plainCsv({ bytes, values }: Bench): void {
  const lines = linesOf(bytes);
  for (let i = 1; i < lines.length; i++) values[i - 1] = Number(lines[i]!.split(',')[4]);
}

async function csvIntoDirectory({ bytes }: Bench): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  await using storage = new FilesystemStorage(directory);
  await into(storage, csvRuns(sourceFile('a.csv', bytes), about));
  await rm(directory, { recursive: true, force: true });
}

function plainJsonl({ bytes, values }: Bench): void {
  linesOf(bytes).forEach((line, i) => (values[i] = (JSON.parse(line) as { value: number }).value));
}

function plainMlruns({ bytes, values }: Bench): void {
  linesOf(bytes).forEach((line, i) => (values[i] = Number(line.split(' ')[1])));
}

const mlruns = (bytes: Uint8Array): RunSource =>
  mlrunsSource(sourceDirectory({ '1/meta.yaml': "experiment_id: '1'\nname: bench\n", '1/r/meta.yaml': 'run_id: r\nstart_time: 1700000000000\nstatus: 3\n', '1/r/metrics/loss': bytes }));

function wandb(): Bench {
  const run = nested(17, [nested(1, 'abc'), nested(3, 'p'), nested(17, [number(1, 1_700_000_000)])]);
  const rows = Array.from({ length: points / 10 }, (_, step) =>
    nested(2, [nested(2, [number(1, step)]), nested(1, item('_timestamp', `${1_700_000_000 + step}.5`)), ...Array.from({ length: 10 }, (_each, i) => nested(1, item(`m${i}`, String(value(step + i)))))]),
  );
  return made(wandbFile([run, ...rows]));
}

/** Every number in the file, wherever it stands: less than any reader of the format does. */
function plainWandb({ bytes, values }: Bench): void {
  let at = 0;
  for (const [found] of new TextDecoder('latin1').decode(bytes).matchAll(/-?\d+\.\d+(?:e-?\d+)?/g)) values[at++ % points] = Number(found);
}

interface Stored {
  readonly tracker: Tracker;
  readonly names: readonly string[];
  readonly columns: Float64Array;
}

async function stored(): Promise<Stored> {
  const storage = new MemoryStorage();
  await into(storage, csvRuns(sourceFile('a.csv', csv().bytes), about));
  return { tracker: new Tracker({ storage }), names: Array.from({ length: points }, (_, i) => metric(i)), columns: Float64Array.from({ length: points }, (_, i) => value(i)) };
}

async function sizeOf(pieces: AsyncIterable<string | Uint8Array>): Promise<number> {
  let size = 0;
  for await (const piece of pieces) size += piece.length;
  if (size < points * 10) throw new Error('The export is not whole.');
  return size;
}

/** The same lines from plain arrays, joined a thousand at a time. */
function plainLines({ names, columns }: Stored, line: (name: string, i: number, value: number) => string): void {
  let size = 0;
  for (let from = 0; from < points; from += 1_000) {
    let text = '';
    for (let i = from; i < from + 1_000; i++) text += line(names[i]!, i, columns[i]!);
    size += text.length;
  }
  if (size < points) throw new Error('Nothing was written.');
}

async function events({ tracker }: Stored): Promise<void> {
  for await (const run of tracker.exportRuns()) await sizeOf(tensorboardEvents(run));
}

const options = { operations: points, unit: 'operations/s', runs: 7 } as const;

export const benchmarks: Benchmark[] = [
  compare<Bench>('points of a CSV imported into memory, against split and Number of the same lines', ({ bytes }) => into(new MemoryStorage(), csvRuns(sourceFile('a.csv', bytes), about)), plainCsv, { ...options, setup: csv }),
  compare<Bench>('points of a CSV imported into a directory, flushed, against split and Number of the same lines', csvIntoDirectory, plainCsv, { ...options, setup: csv }),
  compare<Bench>('points of JSONL imported into memory, against JSON.parse of the same lines', ({ bytes }) => into(new MemoryStorage(), jsonlRuns(sourceFile('a.jsonl', bytes), about)), plainJsonl, {
    ...options,
    setup: () => made(each((i) => `{"run":"a","metric":"${metric(i)}","step":${i >> 1},"timestamp":${startedAt + i},"value":${value(i)}}\n`)),
  }),
  compare<Bench>('points of an mlruns directory imported into memory, against split and Number of the same lines', ({ bytes }) => into(new MemoryStorage(), mlruns(bytes)), plainMlruns, {
    ...options,
    setup: () => made(each((i) => `${startedAt + i} ${value(i)} ${i}\n`)),
  }),
  compare<Bench>('points of a W&B file imported into memory, against finding the numbers in the same bytes', ({ bytes }) => into(new MemoryStorage(), wandbSource(sourceFile('a.wandb', bytes))), plainWandb, { ...options, setup: wandb }),
  compare<Stored>('points exported as CSV, against joining the same lines from arrays', ({ tracker }) => sizeOf(exportRunsCsv(tracker.exportRuns())), (state) => plainLines(state, (name, i, each) => `a,${name},${i >> 1},${startedAt + i},${each}\r\n`), { ...options, setup: stored }),
  compare<Stored>('points exported as JSONL, against JSON.stringify of the same points', ({ tracker }) => sizeOf(exportRunsJsonl(tracker.exportRuns())), (state) => plainLines(state, (name, i, each) => `${JSON.stringify({ run: 'a', metric: name, step: i >> 1, timestamp: startedAt + i, value: each })}\n`), { ...options, setup: stored }),
  compare<Stored>('points exported as TensorBoard events, against JSON.stringify of the same points', events, (state) => plainLines(state, (name, i, each) => JSON.stringify({ name, step: i >> 1, wallTime: startedAt + i, value: each })), { ...options, setup: stored }),
];
