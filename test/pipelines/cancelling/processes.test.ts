import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { PipelineKeeper } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { ProcessRoom } from '../process-room.ts';
import { nightly } from './nightly.ts';

interface Word {
  readonly run?: string;
  readonly status?: string;
  readonly cancellation?: { readonly by?: string };
}

const room = new ProcessRoom('cancelling');
const child = (...what: string[]): ChildProcess => room.start(childProgram('cancel-child.ts', import.meta.url), room.path('store'), room.path('journal'), ...what);

/** What a process says next. */
async function word(of: ChildProcess): Promise<Word> {
  return ((await once(of, 'message')) as [Word])[0];
}

/** A process whose outer run has come to the work of the inner one. */
async function training(): Promise<{ runner: ChildProcess; run: string }> {
  const runner = child('run');
  const { run = '' } = await word(runner);
  for (const journal = (): string => lines().join(); !journal().includes('train'); ) await new Promise((resolve) => setImmediate(resolve));
  return { runner, run };
}

function lines(): string[] {
  try {
    return readFileSync(room.path('journal'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

describe('a run that is cancelled by another process', () => {
  it('while its steps run: both runs end with their last steps, the inner one first, by one of two who cancel at once', async () => {
    const { runner, run } = await training();
    const end = word(runner);
    const answers = await Promise.all([word(child('cancel', run)), word(child('cancel', run))]);
    expect(answers[0]).toMatchObject({ cancellation: { by: 'cancel', reason: 'a test', round: 1 } });
    expect(answers[1]).toEqual(answers[0]);
    expect(await end).toEqual({ status: 'cancelled' });
    expect(lines()).toEqual(['train', "Step 'train' was stopped, for its run was cancelled by cancel: a test.", 'tidy: train cancelled', 'clean: train cancelled']);
  });

  it('which is killed once that is recorded, as was the one that had the run: whoever keeps the pipeline ends both', async () => {
    const { runner, run } = await training();
    runner.kill('SIGKILL');
    await once(runner, 'exit');
    const killed = child('die', run);
    const [, signal] = (await once(killed, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    const storage = new FilesystemStorage(room.path('store'));
    const told: string[] = [];
    const { pipeline, training: inner } = nightly(storage, (line) => told.push(line));
    expect(await pipeline.getRun(run)).toMatchObject({ cancellation: { by: 'die', reason: 'a test' } });
    let keeper!: PipelineKeeper;
    const ended = new Promise<string>((resolve) => {
      keeper = pipeline.start({ interval: 50, onEvent: (event) => event.type === 'run-finished' && resolve(event.status) });
    });
    expect(await ended).toBe('cancelled');
    expect(told).toEqual(['tidy: train cancelled', 'clean: train cancelled']);
    const { subRuns, steps, status } = await pipeline.getRun(run);
    expect([status, steps['train']!.because]).toEqual(['cancelled', 'the run was cancelled by die before it ran: a test']);
    expect(await inner.getRun(subRuns['train']!.run)).toMatchObject({ status: 'cancelled', cancellation: { by: 'die', reason: 'a test' } });
    await keeper.close();
    await storage.close();
  });
});
