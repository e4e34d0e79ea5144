import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { childProgram } from '../child-program.ts';

const script = childProgram('logging-child.ts', import.meta.url);

interface Said {
  id: string;
  flushed?: number;
  pid?: number;
}

interface Ended {
  code: number | null;
  signal: string | null;
  said: Said[];
  errors: string;
}

let root: string;
let storage: FilesystemStorage;
let tracker: Tracker;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelkeep-tracking-'));
  storage = new FilesystemStorage(root);
  tracker = new Tracker({ storage });
});

afterEach(async () => {
  await storage.close();
  rmSync(root, { recursive: true, force: true });
});

function start(args: readonly string[], onSaid?: (said: Said, child: ChildProcess) => void): Promise<Ended> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Said[] = [];
  let rest = '';
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      said.push(JSON.parse(line) as Said);
      onSaid?.(said.at(-1)!, child);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, said, errors }));
  });
}

function filesUnder(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

describe('a process that logs', () => {
  it('and is killed loses nothing that was flushed, and the run can be resumed', async () => {
    const { said, signal } = await start(['log until killed', root], ({ flushed }, child) => void (flushed! >= 20_000 && child.kill('SIGKILL')));
    expect(signal).toBe('SIGKILL');
    const { id, flushed } = said.at(-1)!;
    const record = await tracker.getRun(id);
    expect(record.status).toBe('running');
    const { steps, values } = await tracker.metricHistory(id, 'loss');
    expect(steps.length).toBeGreaterThanOrEqual(flushed!);
    expect(steps.every((step, i) => step === i && values[i] === i)).toBe(true);
    expect(record.metrics['acc']).toMatchObject({ step: steps.length - 1, value: -(steps.length - 1) });

    const resumed = await tracker.startRun({ resume: id });
    resumed.logMetrics({ loss: 0.5 }, { step: steps.length });
    await resumed.end();
    expect(await tracker.getRun(id)).toMatchObject({ status: 'finished', metrics: { loss: { value: 0.5 } } });
    expect((await tracker.metricHistory(id, 'loss')).steps).toHaveLength(steps.length + 1);
  });

  it('and comes to an end by itself has flushed its open runs', async () => {
    const { code, said, errors } = await start(['log and come to an end by itself', root]);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(await tracker.getRun(said[0]!.id)).toMatchObject({ status: 'running', tags: { seen: 'yes' }, metrics: { loss: { step: 1, value: 1 } } });
  });

  it('and exits right after a flush has lost nothing', async () => {
    const { code, said } = await start(['flush and exit at once', root]);
    expect(code).toBe(0);
    expect((await tracker.getRun(said[0]!.id)).metrics['loss']?.value).toBe(1);
  });

  it('is not kept alive by a run that is left open', async () => {
    expect(await start(['leave a run open with nothing to wait for'])).toMatchObject({ code: 0, errors: '', said: [{}] });
  });

  it('neither crashes nor hangs when its storage fails in the background and at its exit', async () => {
    expect(await start(['fail in the background for good'])).toMatchObject({ code: 0, errors: '', said: [{}] });
  });
});

describe('several processes on one run', () => {
  it('lose nothing of each other', async () => {
    const run = await tracker.startRun({ experiment: 'e' });
    const ended = await Promise.all(Array.from({ length: 3 }, () => start(['log beside others', root, run.id])));
    for (const { code, errors } of ended) expect({ code, errors }).toEqual({ code: 0, errors: '' });
    run.logMetrics({ last: 1 }, { step: 5 });
    const record = await run.end();
    expect(Object.keys(record.params)).toHaveLength(12);
    for (const { said } of ended) {
      const name = `loss ${said[0]!.pid}`;
      expect(record.metrics[name]).toMatchObject({ step: 1_999, value: 1_999 });
      expect([...(await tracker.metricHistory(run.id, name)).steps]).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    }
    expect((await tracker.metricHistory(run.id, 'shared')).steps).toHaveLength(6_000);
    expect(await tracker.getRun(run.id)).toEqual(record);
  });
});

describe('a run of a million points', () => {
  it('leaves as many files as a run of ten', async () => {
    const log = async (points: number): Promise<number> => {
      const before = filesUnder(root);
      const run = await tracker.startRun({ experiment: 'e' });
      for (let step = 0; step < points / 2; step++) {
        run.logMetrics({ loss: step, acc: 1 }, { step });
        if (step % 25_000 === 0) await run.flush();
      }
      expect(await run.end()).toMatchObject({ droppedPoints: 0, metrics: { loss: { step: points / 2 - 1 } } });
      expect((await tracker.metricHistory(run.id, 'loss')).steps).toHaveLength(points / 2);
      return filesUnder(root) - before;
    };
    // The first runs make the files that all share.
    for (let i = 0; i < 8; i++) await log(2);
    const few = await log(10);
    expect(few).toBeLessThanOrEqual(2);
    expect(await log(1_000_000)).toBeLessThanOrEqual(few);
  });
});
