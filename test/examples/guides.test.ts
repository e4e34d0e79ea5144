import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

describe('what the guides are quoted from', () => {
  const before = process.cwd();
  let directory: string;
  let lines: unknown[][];
  // They write into the directory that they are started in.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'modelkeep-guides-'));
    process.chdir(directory);
  });
  afterAll(async () => {
    process.chdir(before);
    await rm(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    lines = [];
    for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockImplementation((...line: unknown[]) => void lines.push(line));
  });
  afterEach(() => vi.restoreAllMocks());

  it('asks for features, tells what checks came to, brings rows online and forgets', async () => {
    await import('../../examples/guides/features.ts');
    const failed = [expect.objectContaining({ column: 'delay', check: 'max', status: 'failed', rows: 1 })];
    expect(lines).toEqual([
      [12, 34],
      [expect.any(Date), 'delay_rows@1', 'may', false, 3, failed],
      [undefined],
      [2, 'rows'],
      [expect.any(String), 2, expect.any(Date)],
      [0],
      [{ rows: 1, quarantined: 1, online: 1, served: 0, datasets: 0 }],
    ]);
  });

  it('ingests files', async () => {
    await import('../../examples/guides/feature-files.ts');
    expect(lines).toEqual([[{ rows: 1, known: 0, quarantined: 1, batches: 1 }], [{ rows: 2, known: 0, quarantined: 0, batches: 1 }]]);
  });

  it('has steps done by a command', async () => {
    const { auc } = await import('../../examples/guides/pipeline-shell.ts');
    expect([auc, lines]).toEqual([{ auc: 0.75 }, [['reading 2024-05']]]);
  });

  it('has steps and items done in threads', async () => {
    const { outputs } = await import('../../examples/guides/pipeline-worker.ts');
    expect(outputs).toEqual({ trained: { mean: 3 }, scored: Float64Array.of(-2, -1, 3), models: [{ depth: 2, mean: 1.5 }, { depth: 8, mean: 3 }] });
  });

  it('registers a model in ONNX, and runs what it loads again', async () => {
    await import('../../examples/guides/onnx.ts');
    expect(lines).toEqual([[{ type: 'tensors', by: 'name', tensors: [{ name: 'x', dtype: 'float32', shape: [null, 2] }] }], [Float32Array.of(11, 22)]]);
  });

  it('answers for the hub of transformers.js', async () => {
    await import('../../examples/guides/model-cache.ts');
    expect(lines).toEqual([[{ layers: 4 }], [{ layers: 6 }]]);
  });

  it('keeps blobs on the device', async () => {
    const { texts, asked } = await import('../../examples/guides/local-blobs.ts');
    expect(texts).toEqual(['{}', '{}']);
    expect(asked.filter((path) => path.startsWith('/v1/blobs/'))).toHaveLength(1);
  });

  it('answers requests in batches', async () => {
    const { outputs, sizes } = await import('../../examples/guides/batching.ts');
    expect([outputs, sizes]).toEqual([[10, 20, 30], [3]]);
  });
});
