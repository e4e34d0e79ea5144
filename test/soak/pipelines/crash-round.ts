import { deepStrictEqual } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { MemoryStorage, type PipelineResult, type PipelineRun } from '../../../src/index.ts';
import { decode } from '../../../src/core/codec.ts';
import { listAll } from '../../../src/storage/records.ts';
import type { StepRecord } from '../../../src/pipelines/run-store.ts';
import { pause, Victim } from '../victim.ts';
import { carriedOut, randomPipeline, type Begun, type RandomPipeline } from './random-pipeline.ts';

/** What rounds have come to. */
export interface CrashSummary {
  kills: number;
  runs: number;
  /** Runs that a process was killed amid, each time counted. */
  interrupted: number;
  /** Units that were recorded before a kill, and so must not run again. */
  recorded: number;
}

interface Job {
  readonly number: number;
  id: string | undefined;
  ended: boolean;
}

/** Runs of one store whose processes are killed, and what they come to beside what they would have. */
export class CrashRound {
  readonly #script: string;
  readonly #store: string;
  readonly #journal: string;
  readonly #random: () => number;
  readonly #summary: CrashSummary;
  /** What had been recorded at a kill, and how many works had begun by then. */
  readonly #committed: { readonly at: number; readonly recorded: ReadonlySet<string> }[] = [];
  #spanMs = 150;

  constructor(script: string, directory: string, random: () => number, summary: CrashSummary) {
    this.#script = script;
    this.#store = join(directory, 'store');
    this.#journal = join(directory, 'journal');
    writeFileSync(this.#journal, '');
    this.#random = random;
    this.#summary = summary;
  }

  /** Some runs at once, whose processes are killed `most` times, or until all have ended; then they are gone on with to their end, and compared. Gives how many kills that were. */
  async play(numbers: readonly number[], most: number): Promise<number> {
    const jobs = numbers.map((number): Job => ({ number, id: undefined, ended: false }));
    let kills = 0;
    for (; kills < most && jobs.some(({ ended }) => !ended); kills++) await this.#killAmid(jobs);
    await this.#opened(async (storage) => {
      await Promise.all(jobs.map((job) => this.#finish(job, storage)));
    });
    return kills;
  }

  async #killAmid(jobs: readonly Job[]): Promise<void> {
    const open = jobs.filter(({ ended }) => !ended);
    const victim = new Victim<object>(this.#script, [this.#store, this.#journal, ...open.map(({ number, id = 'new' }) => `${number}:${id}`)]);
    // Mostly in the midst of the work, sometimes while the store is being opened.
    if (this.#random() < 0.95) await victim.begun();
    await pause(this.#random() * this.#spanMs);
    await victim.kill();
    this.#summary.kills++;
    const recorded = new Set<string>();
    let interrupted = 0;
    await this.#opened(async (storage) => {
      for (const job of open) {
        const made = randomPipeline(job.number, { storage, pace: 0, begun: () => undefined });
        const [run] = (await made.pipeline.searchRuns()).items;
        job.id = run?.id;
        job.ended = run !== undefined && ['succeeded', 'failed', 'cancelled'].includes(run.status);
        if (run && !job.ended) interrupted++;
        for (const name of await recordedOf(storage, made)) recorded.add(name);
      }
    });
    this.#spanMs = interrupted === 0 ? this.#spanMs * 0.8 : Math.min(this.#spanMs * 1.05, 1000);
    this.#summary.interrupted += interrupted;
    this.#summary.recorded += recorded.size;
    this.#committed.push({ at: this.#begun().length, recorded });
  }

  async #finish(job: Job, storage: FilesystemStorage): Promise<void> {
    const { number } = job;
    const should: Begun[] = [];
    const undisturbed = randomPipeline(number, { storage: new MemoryStorage(), pace: 0, begun: (unit) => should.push(unit), alone: true });
    const expected = await carriedOut(undisturbed, undefined);
    const begun = (unit: Begun): void => writeFileSync(this.#journal, `${JSON.stringify(unit)}\n`, { flag: 'a' });
    const made = randomPipeline(number, { storage, pace: 0, begun });
    const { result, id } = await ended(job, made).catch((error: unknown) => {
      throw new Error(`Graph ${number} cannot be gone on with.`, { cause: error });
    });
    this.#summary.runs++;
    const all = this.#begun();
    for (const { at, recorded } of this.#committed) {
      const again = all.slice(at).filter((unit) => recorded.has(nameOf(unit)));
      deepStrictEqual(again, [], `Graph ${number} has run again what was recorded.`);
    }
    const run = await made.pipeline.getRun(id);
    await checkLogs(made, run);
    await checkTracker(made, run);
    if (undisturbed.hangsOnOrder(expected)) return;
    deepStrictEqual(endOf(made, run), endOf(undisturbed, await undisturbed.pipeline.getRun(expected.id)), `Graph ${number} has not ended as it would have.`);
    if (result) deepStrictEqual(outputs(made, result), outputs(undisturbed, expected), `Graph ${number} has not put out what it would have.`);
    const own = new Set([made.pipeline.name, ...made.inner]);
    deepStrictEqual(effects(all.filter(({ pipeline }) => own.has(pipeline))), effects(should), `Graph ${number} has had other effects than it would have.`);
  }

  #begun(): Begun[] {
    return readFileSync(this.#journal, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Begun);
  }

  async #opened(use: (storage: FilesystemStorage) => Promise<void>): Promise<void> {
    await using storage = new FilesystemStorage(this.#store);
    await use(storage);
  }
}

function nameOf({ pipeline, run, step, index }: Begun): string {
  return `${pipeline}/${run}/${step}/${index ?? ''}`;
}

/** The units that must not run again: those that have ended for good, and the lists of items that were recorded. */
async function recordedOf(storage: FilesystemStorage, { pipeline, inner }: RandomPipeline): Promise<string[]> {
  const names: string[] = [];
  for (const name of [pipeline.name, ...inner]) {
    const prefix = `pipelines/${name}/steps/`;
    for await (const { key } of listAll(storage, { prefix })) {
      const [record] = await storage.read([key]);
      const { status, step, index, list, wait } = decode(record!.bytes, key) as StepRecord;
      // A run that is a step is tried again as a whole with it.
      const lasts = wait !== undefined || status === 'succeeded' || (name === pipeline.name && ['failed', 'skipped', 'upstream_failed'].includes(status)) || list !== undefined;
      if (lasts) names.push(nameOf({ pipeline: name, run: key.slice(prefix.length).split('/')[0]!, step, index }));
    }
  }
  return names;
}

/** Goes on with a run to its end. One that has failed already would begin another round, so there is no result of it. */
async function ended({ id, ended: has }: Job, made: RandomPipeline): Promise<{ readonly id: string; readonly result?: PipelineResult }> {
  if (id !== undefined && has && (await made.pipeline.getRun(id)).status !== 'succeeded') return { id };
  const result = await carriedOut(made, id);
  return { id: result.id, result };
}

/** What does not hang on when things happened. */
function endOf({ handles }: RandomPipeline, { status, steps }: PipelineRun): unknown {
  const ends = handles.map((handle) => {
    const { status: of, failure, items } = steps[handle.name]!;
    // Ids of runs differ, and moments.
    return { of, items, why: failure?.message.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'THEN') };
  });
  return { status, ends };
}

function outputs({ handles }: RandomPipeline, result: PipelineResult): unknown[] {
  return handles.map((handle) => (result.steps[handle.name]!.status === 'succeeded' ? timeless(result.output(handle)) : undefined));
}

/** A value without the moments at which something in it was decided. */
function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === 'at' ? 'THEN' : timeless(each)]));
}

/** What somebody has received who takes the same thing once. */
function effects(begun: readonly Begun[]): string[] {
  return [...new Set(begun.map((unit) => nameOf({ ...unit, run: '' })))].sort();
}

/** Every attempt that counts has all its lines. */
async function checkLogs({ pipeline, logging }: RandomPipeline, { id, steps }: PipelineRun): Promise<void> {
  for (const { name, attempts, items, cache } of Object.values(steps)) {
    if (!logging.has(name) || items || cache || attempts === 0) continue;
    const lines = new Set<string>();
    for await (const { text } of pipeline.logs(id, { step: name })) lines.add(text);
    for (let attempt = 1; attempt <= attempts; attempt++) {
      for (const line of [`begins ${attempt}`, `ends ${attempt}`]) if (!lines.has(line)) throw new Error(`Step '${name}' of ${pipeline.name} has lost the line "${line}".`);
    }
  }
}

/** No run of the Tracker is left open that belongs to a run that has ended. */
async function checkTracker({ pipeline, tracker }: RandomPipeline, { id }: PipelineRun): Promise<void> {
  for await (const { pipelineRun, status, name } of tracker.runs({ experiments: [pipeline.name] })) {
    if (pipelineRun === id && status === 'running') throw new Error(`The run '${name ?? ''}' of the Tracker is left running.`);
  }
}
