import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import type { CodeRecord } from '../../core/environment.ts';
import { redactRemote } from './redact.ts';

/** How git is asked. */
export interface GitOptions {
  readonly cwd: string;
  /** Bytes of the diff that are kept; 0 for none. */
  readonly maxDiffBytes: number;
  /** Time that one question may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The path of the script that was started. */
  readonly entry?: string | undefined;
}

type GitRecord = Pick<CodeRecord, 'commit' | 'branch' | 'remote' | 'dirty' | 'diff' | 'diffTruncated' | 'directory' | 'entryTracked'>;

interface Answer {
  readonly out: Buffer;
  /** Whether git wrote more than was asked for. */
  readonly cut: boolean;
}

/** What git knows of the code at a directory: nothing outside a repository, without git, or when it does not answer in time. */
export async function describeGit(options: GitOptions): Promise<GitRecord> {
  const place = await ask(options, ['rev-parse', '--git-dir', '--show-prefix'], 64 * 1024);
  if (place === undefined) return {};
  const directory = place.out.toString('utf8').split('\n')[1]?.replace(/\/$/, '');
  const [commit, branch, remote, entryTracked, changes] = await Promise.all([
    line(options, ['rev-parse', '--verify', '--quiet', 'HEAD']),
    line(options, ['symbolic-ref', '--short', '--quiet', 'HEAD']),
    remoteOf(options),
    isTracked(options),
    ask(options, ['status', '--porcelain', '--untracked-files=no'], 64),
  ]);
  const dirty = changes && changes.out.length > 0;
  return {
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined ? {} : { branch }),
    ...(remote === undefined ? {} : { remote: redactRemote(remote) }),
    ...(dirty === undefined ? {} : { dirty }),
    ...(directory ? { directory } : {}),
    ...(entryTracked === undefined ? {} : { entryTracked }),
    ...(dirty && commit !== undefined && options.maxDiffBytes > 0 ? await diffOf(options) : {}),
  };
}

// Files that hold secrets by their nature, wherever they lie in the tree: a diff of them would put the secrets into every run.
const secretFiles = ['.env', '.env.*', '*.env', '.npmrc', '.netrc', '.pgpass', '.htpasswd', '*.pem', '*.key', '*.p12', '*.pfx', '*.jks', '*.tfvars', 'id_rsa*', 'id_ed25519*', '*credentials*', '*secret*'];

async function diffOf(options: GitOptions): Promise<Pick<GitRecord, 'diff' | 'diffTruncated'>> {
  const format = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--submodule=short', '--src-prefix=a/', '--dst-prefix=b/'];
  const paths = [':(top)', ...secretFiles.map((name) => `:(top,exclude,glob,icase)**/${name}`)];
  const answer = await ask(options, ['diff', ...format, 'HEAD', '--', ...paths], options.maxDiffBytes);
  if (answer === undefined) return {};
  // Decoding as a stream leaves out a character that the bound has cut in two.
  return { diff: new TextDecoder().decode(answer.out, { stream: true }), diffTruncated: answer.cut };
}

/** Whether git has the script; unknown for one in another place, and for one that was installed, which the lockfile pins. */
async function isTracked({ entry, ...options }: GitOptions): Promise<boolean | undefined> {
  if (entry === undefined || /[/\\]node_modules[/\\]/.test(entry) || !(await isFile(entry))) return undefined;
  const known = await ask(options, ['--literal-pathspecs', 'ls-files', '--', entry], 64 * 1024);
  return known && known.out.length > 0;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isFile(), () => false);
}

async function remoteOf(options: GitOptions): Promise<string | undefined> {
  const origin = await line(options, ['remote', 'get-url', 'origin']);
  if (origin !== undefined) return origin;
  const first = await line(options, ['remote']);
  return first === undefined ? undefined : line(options, ['remote', 'get-url', first]);
}

async function line(options: GitOptions, args: readonly string[]): Promise<string | undefined> {
  const answer = await ask(options, args, 64 * 1024);
  return answer?.out.toString('utf8').split('\n')[0]?.trim() || undefined;
}

function ask({ cwd, timeoutMs }: GitOptions, args: readonly string[], maxBytes: number): Promise<Answer | undefined> {
  // Nothing is locked, asked for, paged or started on our behalf.
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  return new Promise((resolve) => {
    const settle = (error: (Error & { code?: unknown }) | null, out: Buffer): void => {
      const cut = error?.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
      resolve(error === null || cut ? { out, cut } : undefined);
    };
    try {
      execFile('git', ['-c', 'core.fsmonitor=false', ...args], { cwd, env, encoding: 'buffer', timeout: timeoutMs, maxBuffer: maxBytes, windowsHide: true }, settle);
    } catch {
      resolve(undefined);
    }
  });
}
