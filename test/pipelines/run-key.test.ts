import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline } from 'modelkeep';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childProgram } from '../child-program.ts';

describe('run.key', () => {
  it('is the same in each attempt, after a resumption, elsewhere and in a child, and another for each item, step and run', async () => {
    const storage = new MemoryStorage();
    const told: { readonly key: string; readonly of: string }[] = [];
    const effects = new Set<string>();
    let broken = true;
    const define = (executor?: 'workers'): Pipeline => {
      const child = new Pipeline({ name: 'child', storage });
      child.step('below', { retries: { limit: 1, backoff: 0 } }, ({ run }) => note(run, run.attempt < 2 || broken));
      const pipeline = new Pipeline({ name: 'nightly', storage, ...(executor && { executor }) });
      const note = ({ key, id, pipeline: of, step, index }: { key: string; id: string; pipeline: string; step: string; index?: number | undefined }, fails: boolean): void => {
        told.push({ key, of: `${of} ${id} ${step} ${index}` });
        effects.add(key);
        if (fails) throw new Error('the answer was lost');
      };
      const flaky = pipeline.step('Größe / 1', { retries: { limit: 1, backoff: 0 } }, ({ run }) => note(run, run.attempt < 2 || broken));
      pipeline.step('1', {}, ({ run }) => note(run, broken));
      pipeline.map('many', { over: [1, 2, 3] }, ({ run }) => note(run, broken));
      pipeline.step('nested', { after: [flaky], trigger: 'all_done' }, child.asStep());
      pipeline.finally('report', {}, ({ run }) => note(run, false));
      return pipeline;
    };
    const first = await define().run();
    const second = await define().run();
    expect([first.status, second.status]).toEqual(['failed', 'failed']);
    broken = false;
    const away = define('workers');
    const hands = away.work();
    expect((await away.resume(first.id)).status).toBe('succeeded');
    await hands.close();
    expect((await define().resume(second.id)).status).toBe('succeeded');
    const keyOf = new Map(told.map(({ key, of }) => [of, key]));
    for (const { key, of } of told) expect(keyOf.get(of), of).toBe(key);
    // Each of two steps, three items, a step below and a step at the end, in two runs.
    expect([keyOf.size, new Set(keyOf.values()).size, effects.size]).toEqual([14, 14, 14]);
    expect(told.length).toBeGreaterThan(28);
    for (const key of effects) expect(key).toMatch(/^[\x21-\x7e]{1,300}$/);
  });

  it('is the same in the process that goes on with what another was killed in: in a step, in an item and in a child', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-key-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const journal = join(directory, 'journal');
    const start = (id: string, hang: string): ChildProcess => fork(childProgram('key-child.ts', import.meta.url), [join(directory, 'store'), journal, id, hang], { execArgv: [] });
    let id = 'new';
    for (const hang of ['charge', 'many[1]', 'below']) {
      const killed = start(id, hang);
      const told = await messages(killed, ({ hanging }) => hanging === hang);
      expect(told.at(-1)).toEqual({ hanging: hang });
      id = told[0]!.run ?? id;
      killed.kill('SIGKILL');
      await once(killed, 'exit');
    }
    expect((await messages(start(id, 'none'), ({ status }) => status !== undefined)).at(-1)).toEqual({ status: 'succeeded' });
    const begun = readFileSync(journal, 'utf8').trimEnd().split('\n');
    const keys = new Map(begun.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
    // Each that somebody was killed in has begun twice, under one key; no other has.
    expect([...begun].sort()).toEqual([...keys].flatMap(([of, key]) => Array.from({ length: /charge|\[1\]|below/.test(of) ? 2 : 1 }, () => `${of} ${key}`)).sort());
    expect([...keys.keys()]).toEqual(['nightly charge', 'nightly many[0]', 'nightly many[1]', 'nightly many[2]', 'child below']);
    expect(new Set(keys.values()).size).toBe(5);
  });
});

interface Message {
  readonly run?: string;
  readonly hanging?: string;
  readonly status?: string;
}

/** What a process tells, until it tells what is asked for or ends. */
function messages(process: ChildProcess, until: (message: Message) => boolean): Promise<Message[]> {
  const told: Message[] = [];
  return new Promise((resolve) => {
    process.on('message', (message: Message) => {
      told.push(message);
      if (until(message)) resolve(told);
    });
    process.on('exit', () => resolve(told));
  });
}
