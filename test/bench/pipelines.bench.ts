import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, type PipelineOptions, type StepHandle } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, measure, type Benchmark, type Result } from './harness.ts';

const steps = 100;

/** A run of a chain of steps that do nothing, each given the output of the one before. */
async function runChain(storage: PipelineOptions<undefined, undefined>['storage']): Promise<void> {
  const pipeline = new Pipeline({ name: 'chain', storage });
  let last: StepHandle<number> | undefined;
  for (let i = 0; i < steps; i++) last = pipeline.step(`step-${i}`, { needs: last ? { last } : {} }, async () => i);
  const { status } = await pipeline.run();
  if (status !== 'succeeded') throw new Error(`The run is ${status}.`);
}

interface Disk {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  readonly file: FileHandle;
}

const onDisk = {
  operations: steps,
  setup: async (): Promise<Disk> => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
    return { directory, storage: new FilesystemStorage(join(directory, 'store')), file: await open(join(directory, 'raw'), 'a') };
  },
  teardown: async ({ directory, storage, file }: Disk): Promise<void> => {
    await storage.close();
    await file.close();
    await rm(directory, { recursive: true });
  },
};

/** What the disk takes for as many flushed writes of the size of a step's record, one after the other. */
async function rawFlushes({ file }: Disk): Promise<void> {
  const record = new Uint8Array(400);
  for (let i = 0; i < steps; i++) {
    await file.write(record);
    await file.datasync();
  }
}

/** What a step costs beyond the flush that it waits for. */
function beyond(name: string, benchmark: Benchmark, milliseconds: number): Benchmark {
  return {
    name,
    async run(): Promise<Result> {
      const { value, baseline = 0, runs = 0 } = await benchmark.run();
      return { value: Math.max(0, value - baseline), unit: 'ms', runs, target: { atMost: milliseconds } };
    },
  };
}

export const benchmarks: Benchmark[] = [
  measure('pipelines: a no-op step of 100 in a chain, in memory', () => runChain(new MemoryStorage()), { operations: steps, runs: 21, warmup: 10, target: { atMost: 0.1 } }),
  compare('pipelines: a no-op step of 100 in a chain, flushed, against a bare write and flush', ({ storage }: Disk) => runChain(storage), rawFlushes, onDisk),
  beyond('pipelines: a no-op step of 100 in a chain, flushed, beyond the bare flush', compare('', ({ storage }: Disk) => runChain(storage), rawFlushes, onDisk), 1),
];
