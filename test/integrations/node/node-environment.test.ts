import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeEnvironment } from 'modelkeep/node';
import { describeGit } from '../../../src/integrations/node/git.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-environment-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.test', ...args], { cwd: directory, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function repository(): string {
  git('init', '-q', '-b', 'trunk');
  writeFileSync(join(directory, 'train.js'), 'one\n');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  return git('rev-parse', 'HEAD');
}

describe('the code', () => {
  it('is a commit on a branch, with the remote free of credentials', async () => {
    const commit = repository();
    git('remote', 'add', 'origin', 'https://me:secret@example.test/a.git');
    const { code } = await nodeEnvironment({ cwd: directory }).describe();
    expect(code).toMatchObject({ commit, branch: 'trunk', remote: 'https://example.test/a.git', dirty: false });
    expect(code).not.toHaveProperty('diff');
  });

  it('is dirty when tracked files differ, staged or not, with a diff that git can apply; untracked ones do not count', async () => {
    repository();
    writeFileSync(join(directory, 'untracked.txt'), 'x');
    expect((await nodeEnvironment({ cwd: directory }).describe()).code?.dirty).toBe(false);
    writeFileSync(join(directory, 'train.js'), 'one\ntwo ü\n');
    const { code } = await nodeEnvironment({ cwd: directory }).describe();
    expect(code).toMatchObject({ dirty: true, diffTruncated: false });
    git('add', '.');
    expect((await nodeEnvironment({ cwd: directory }).describe()).code?.dirty).toBe(true);
    git('reset', '-q', '--hard');
    execFileSync('git', ['apply'], { cwd: directory, input: code!.diff });
    expect(git('diff', '--stat')).toContain('train.js');
  });

  it('has a diff of bounded size that says so, in whole characters', async () => {
    repository();
    writeFileSync(join(directory, 'train.js'), 'ü'.repeat(100_000));
    const { code } = await nodeEnvironment({ cwd: directory, maxDiffBytes: 1_001 }).describe();
    expect(code?.diffTruncated).toBe(true);
    expect(new TextEncoder().encode(code!.diff).length).toBeGreaterThan(990);
    expect(new TextEncoder().encode(code!.diff).length).toBeLessThanOrEqual(1_001);
    expect(code!.diff).not.toContain('\ufffd');
    const without = await nodeEnvironment({ cwd: directory, maxDiffBytes: 0 }).describe();
    expect(without.code?.dirty).toBe(true);
    expect(without.code).not.toHaveProperty('diff');
  });

  it('has a diff of the whole repository wherever it is asked, without the files that hold secrets', async () => {
    const secrets = ['.env', 'deploy/.env.production', 'deploy/server.pem', '.npmrc', 'my-secrets.json'];
    mkdirSync(join(directory, 'deploy'));
    for (const name of secrets) writeFileSync(join(directory, name), 'before\n');
    repository();
    git('config', 'diff.relative', 'true');
    for (const name of [...secrets, 'train.js']) writeFileSync(join(directory, name), 'hunter2\n');
    const { code } = await nodeEnvironment({ cwd: join(directory, 'deploy') }).describe();
    expect(code?.dirty).toBe(true);
    expect(code?.diff?.match(/^diff --git .*$/gm)).toEqual(['diff --git a/train.js b/train.js']);
  });

  it('has no branch on a detached head, and no commit before the first one', async () => {
    git('init', '-q', '-b', 'trunk');
    const empty = await nodeEnvironment({ cwd: directory }).describe();
    expect(empty.code).toMatchObject({ branch: 'trunk', dirty: false });
    expect(empty.code).not.toHaveProperty('commit');
    const commit = repository();
    git('checkout', '-q', '--detach');
    const detached = await nodeEnvironment({ cwd: directory }).describe();
    expect(detached.code?.commit).toBe(commit);
    expect(detached.code).not.toHaveProperty('branch');
  });

  it('says nothing of git outside a repository, in a directory that is not there, and when git does not answer in time', async () => {
    repository();
    const inRepository = { cwd: directory, gitTimeout: '0.01ms' as const };
    for (const options of [{ cwd: tmpdir() }, { cwd: join(directory, 'gone') }, inRepository]) {
      const record = await nodeEnvironment(options).describe();
      expect(record.runtime).toBe('node');
      expect(Object.keys(record.code ?? {}).sort()).toEqual(['command', 'entry']);
    }
  });

  it('is told with the place in the repository, and with whether git has the script that was started', async () => {
    mkdirSync(join(directory, 'packages', 'my app'), { recursive: true });
    mkdirSync(join(directory, 'node_modules', 'tool'), { recursive: true });
    for (const name of ['packages/my app/train.js', 'packages/my app/new.js', 'node_modules/tool/cli.js', 'staged.js', '*.js']) writeFileSync(join(directory, name), '1\n');
    git('init', '-q', '-b', 'trunk');
    git('add', 'packages/my app/train.js');
    git('commit', '-q', '-m', 'first');
    git('add', 'staged.js');
    const inside = join(directory, 'packages', 'my app');
    const asked = (entry?: string, cwd = inside): ReturnType<typeof describeGit> => describeGit({ cwd, maxDiffBytes: 0, timeoutMs: 10_000, entry });
    expect((await asked()).directory).toBe('packages/my app');
    expect(await asked(undefined, directory)).not.toHaveProperty('directory');
    const tracked = async (entry: string): Promise<boolean | undefined> => (await asked(join(directory, entry))).entryTracked;
    expect(await Promise.all(['packages/my app/train.js', 'staged.js', 'packages/my app/new.js', '*.js'].map(tracked))).toEqual([true, true, false, false]);
    // Of what is not there, of a directory, and of what a lockfile pins or another repository has, nothing is said.
    expect(await Promise.all(['packages/my app/train', 'packages', 'node_modules/tool/cli.js', '../elsewhere.js'].map(tracked))).toEqual([undefined, undefined, undefined, undefined]);
    expect((await asked(fileURLToPath(import.meta.url))).entryTracked).toBeUndefined();
  });

  it('does not write to the repository', async () => {
    repository();
    const index = (): string => createHash('sha256').update(execFileSync('cat', [join(directory, '.git/index')])).digest('hex');
    writeFileSync(join(directory, 'train.js'), 'one\n');
    const before = index();
    await nodeEnvironment({ cwd: directory }).describe();
    expect(index()).toBe(before);
  });
});

describe('the host', () => {
  it('is told with its runtime, platform, CPU and memory, once', async () => {
    const environment = nodeEnvironment({ cwd: directory });
    const record = await environment.describe();
    expect(record).toMatchObject({ runtime: 'node', runtimeVersion: process.versions.node, platform: process.platform, architecture: process.arch });
    expect(record.cpu?.cores).toBeGreaterThan(0);
    expect(record.memoryBytes).toBeGreaterThan(1e6);
    expect(await environment.describe()).toBe(record);
  });

  it('has the nearest lockfile and the installed versions of direct dependencies', async () => {
    const inner = join(directory, 'packages', 'app');
    mkdirSync(join(inner, 'node_modules', '@scope', 'near'), { recursive: true });
    mkdirSync(join(directory, 'node_modules', 'far'), { recursive: true });
    writeFileSync(join(directory, 'pnpm-lock.yaml'), 'lock');
    writeFileSync(join(inner, 'package.json'), JSON.stringify({ dependencies: { '@scope/near': '^1', missing: '*' }, devDependencies: { far: '*' } }));
    writeFileSync(join(inner, 'node_modules', '@scope', 'near', 'package.json'), '{"version":"1.2.3"}');
    writeFileSync(join(directory, 'node_modules', 'far', 'package.json'), '{"version":"4.5.6"}');
    const record = await nodeEnvironment({ cwd: inner }).describe();
    expect(record.packages).toEqual({ '@scope/near': '1.2.3', far: '4.5.6' });
    expect(record.lockfile).toEqual({ name: 'pnpm-lock.yaml', digest: `sha256:${createHash('sha256').update('lock').digest('hex')}` });
  });

  it('does without a manifest that is rubbish', async () => {
    writeFileSync(join(directory, 'package.json'), '{"dependencies": [1, ');
    writeFileSync(join(directory, 'yarn.lock'), '');
    const record = await nodeEnvironment({ cwd: directory }).describe();
    expect(record.lockfile?.name).toBe('yarn.lock');
  });

  it('refuses options that are none', () => {
    expect(() => nodeEnvironment({ maxDiffBytes: -1 })).toThrow('maxDiffBytes');
    expect(() => nodeEnvironment({ gitTimeout: 'soon' as '1s' })).toThrow('gitTimeout');
  });
});

describe('the command', () => {
  it('has the entry as seen from the directory and arguments without secrets', () => {
    const script = fileURLToPath(new URL('print-command.ts', import.meta.url));
    const child = spawnSync(process.execPath, ['--import', 'tsx', script, '--token=abc', '--epochs', '3'], { encoding: 'utf8' });
    expect(child.stderr).toBe('');
    const { entry, command } = JSON.parse(child.stdout) as { entry: string; command: string[] };
    expect(entry).toBe('test/integrations/node/print-command.ts');
    expect(command[0]).toBe('node');
    expect(command.slice(-3)).toEqual(['--token=[redacted]', '--epochs', '3']);
  });

  it('says that a program came from standard input, which it does not repeat, but not of one that is in it', () => {
    const program = "import { nodeEnvironment } from './src/node.ts'; const { code } = await nodeEnvironment({ maxDiffBytes: 0 }).describe(); console.log(JSON.stringify(code));";
    const run = (args: string[], input?: string): { entry?: string } => JSON.parse(spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', ...args], { encoding: 'utf8', ...(input === undefined ? {} : { input }) }).stdout) as { entry?: string };
    expect(run([], program).entry).toBe('-');
    expect(run(['-', '--lr=1'], program).entry).toBe('-');
    expect(run(['-e', program])).not.toHaveProperty('entry');
  });
});

describe('the exit of the process', () => {
  it('is heard with one listener however many are asking, and none is left behind', () => {
    const environment = nodeEnvironment({ cwd: directory });
    const before = process.listenerCount('beforeExit');
    const undo = Array.from({ length: 50 }, () => environment.onExit(() => undefined));
    expect(process.listenerCount('beforeExit')).toBe(before + 1);
    for (const each of undo) each();
    for (const each of undo) each();
    expect(process.listenerCount('beforeExit')).toBe(before);
  });
});
