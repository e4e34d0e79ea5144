import { FilesystemStorage } from '../../../src/filesystem.ts';
import { isModelkeepError } from '../../../src/core/errors.ts';
import { seededRandom, type Random } from '../../../src/core/random.ts';
import { Oracle, Violation, type Loss } from './oracle.ts';
import { SimulatedDisk, type Fault, type FaultPlan, type SimulatedProcess } from './simulated-disk.ts';
import { Worker } from './workload.ts';

/** How a crash run goes. */
export interface CrashRunOptions {
  readonly seed: number;
  readonly crashes: number;
  readonly durability: 'flushed' | 'buffered';
  /** What the oracle holds the store to. @default its durability */
  readonly promised?: 'flushed' | 'buffered' | undefined;
  /** Processes that work on the store at once. */
  readonly processes: number;
  /** Whether calls fail now and then, besides the crashes. */
  readonly failures?: boolean | undefined;
}

/** What a crash run came to. */
export interface CrashRunSummary {
  crashes: number;
  acknowledged: number;
  /** Calls that failed because the disk did. */
  failed: number;
  /** Crashes while the store was being opened and looked at. */
  duringRecovery: number;
}

const root = '/data/store';

/**
 * Works on a store, crashes it, and compares it with the oracle, again and again. Half of the crashes lose power, the others kill one process while the rest goes on.
 * Throws a {@link Violation} that names the seed.
 */
export async function runCrashes(options: CrashRunOptions): Promise<CrashRunSummary> {
  const summary: CrashRunSummary = { crashes: 0, acknowledged: 0, failed: 0, duringRecovery: 0 };
  while (summary.crashes < options.crashes) {
    const seed = options.seed + summary.crashes;
    const life = new Life(options, seededRandom(seed), summary);
    const before = summary.crashes;
    try {
      // A store is given up after some crashes, so that young and old ones are tried.
      for (let i = 0; i < 25 && summary.crashes < options.crashes; i++) await life.crashOnce();
    } catch (cause) {
      const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      const { durability, processes, failures = false } = options;
      throw new Violation(`seed ${seed}, crash ${summary.crashes - before + 1} (${JSON.stringify({ durability, processes, failures })}): ${message}`, { cause });
    }
    summary.acknowledged += life.acknowledged;
  }
  return summary;
}

/** One store from its making on. */
class Life {
  readonly #options: CrashRunOptions;
  readonly #random: Random;
  readonly #summary: CrashRunSummary;
  readonly #oracle: Oracle;
  #disk: SimulatedDisk;
  #session = 0;

  constructor(options: CrashRunOptions, random: Random, summary: CrashRunSummary) {
    this.#options = options;
    this.#random = random;
    this.#summary = summary;
    this.#disk = new SimulatedDisk(random);
    this.#oracle = new Oracle(Array.from({ length: options.processes * 2 }, (_, i) => `w${i}`), options.promised ?? options.durability, options.failures);
  }

  get acknowledged(): number {
    return this.#oracle.acknowledged;
  }

  async crashOnce(): Promise<void> {
    const session = String(++this.#session);
    const loss: Loss = this.#random() < 0.5 ? 'power' : 'process';
    const deadline = 1 + Math.floor(this.#random() ** 2 * 900);
    const disk = this.#disk;
    const processes: SimulatedProcess[] = [];
    for (let i = 0; i < this.#options.processes; i++) {
      const dying = i === 0 ? this.#dieAt(deadline, () => loss === 'power' && this.#losePower(disk)) : () => undefined;
      processes.push(disk.startProcess(this.#withFailures(dying)));
    }
    const instances = processes.map((process) => this.#open(process));
    await Promise.all(instances.flatMap((storage, i) => [0, 1].map((n) => this.#work(`w${i * 2 + n}`, storage, processes[i]!, session))));
    // Whoever is left stays open while the store is looked at, as other processes do.
    if (loss === 'power') this.#losePower(disk);
    else processes[0]!.kill();
    this.#summary.crashes++;
    await this.#recover(loss);
    await Promise.allSettled(instances.map((storage) => storage.close()));
    for (const process of processes) process.kill();
  }

  /** Once for each disk: a process may reach its deadline in the background, just when its workers are done and power is lost anyway. */
  #losePower(disk: SimulatedDisk): void {
    if (this.#disk === disk) this.#disk = disk.losePower();
  }

  async #recover(loss: Loss): Promise<void> {
    // The process that looks may die as well, and power may fail again, before anything new is done.
    while (this.#random() < 0.2) {
      const process = this.#disk.startProcess(this.#dieAt(1 + Math.floor(this.#random() * 40), () => undefined));
      const storage = this.#open(process);
      await storage.write([{ kind: 'delete', key: 'nobody/s' }]).catch(() => undefined);
      await storage.list().catch(() => undefined);
      process.kill();
      await storage.close().catch(() => undefined);
      if (loss === 'power') this.#disk = this.#disk.losePower();
      this.#summary.duringRecovery++;
    }
    const process = this.#disk.startProcess();
    const storage = this.#open(process);
    await this.#oracle.check(storage, loss, this.#random() < 0.5);
    await storage.close();
  }

  async #work(name: string, storage: FilesystemStorage, process: SimulatedProcess, session: string): Promise<void> {
    const disk = this.#disk;
    const worker = new Worker({ name, storage, session, random: this.#random, reporter: this.#oracle, maxBytes: 1500 });
    try {
      await worker.start();
      for (let steps = Math.floor(this.#random() * 60); steps > 0; steps--) await worker.step();
    } catch (error) {
      if (error instanceof Violation) throw error;
      // A worker whose call failed knows no more what is there; it rests until the next check.
      if (process.dead || this.#disk !== disk) return;
      this.#assertExcused(error);
      this.#summary.failed++;
    }
  }

  #assertExcused(error: unknown): void {
    const excused = this.#options.failures === true && isModelkeepError(error, 'storage', 'storage-full');
    if (!excused) throw error;
  }

  #open(process: SimulatedProcess): FilesystemStorage {
    return new FilesystemStorage(root, { fileSystem: process.fileSystem, durability: this.#options.durability, compactAt: 3000, cacheBytes: this.#random() < 0.5 ? 0 : 100_000 });
  }

  #dieAt(deadline: number, andThen: () => unknown): FaultPlan {
    const death = this.#random() < 0.5 ? 'before' : 'after';
    return ({ count }) => {
      if (count < deadline) return undefined;
      if (count === deadline) queueMicrotask(andThen);
      return { death };
    };
  }

  #withFailures(plan: FaultPlan): FaultPlan {
    if (this.#options.failures !== true) return plan;
    const rate = this.#random() * 0.05;
    return (call) => {
      const fault = plan(call);
      return fault ?? (this.#random() < rate ? failureOf(call.name, this.#random) : undefined);
    };
  }
}

function failureOf(call: string, random: Random): Fault | undefined {
  if (call === 'write') return random() < 0.5 ? { short: Math.floor(random() * 40) } : { code: random() < 0.7 ? 'ENOSPC' : 'EIO' };
  if (call === 'sync' || call === 'syncDirectory') return { code: random() < 0.5 ? 'EIO' : 'ENOSPC' };
  if (call === 'open' || call === 'makeDirectory' || call === 'link') return { code: random() < 0.5 ? 'EMFILE' : 'ENOSPC' };
  return undefined;
}
