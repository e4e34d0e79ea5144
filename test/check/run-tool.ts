import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { root } from './project.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  /** Both streams as they came, for a person to read. */
  readonly output: string;
}

/** Runs a program in the repository (or `cwd`) to its end, whatever its exit code. */
export async function run(command: string, args: readonly string[], cwd: string = root): Promise<Finished> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, stdout, output };
}

/** Runs an installed tool by its command name and throws what it printed when it fails. */
export async function runTool(packageName: string, command: string, args: readonly string[], cwd: string = root): Promise<string> {
  const directory = `${root}node_modules/${packageName}/`;
  const { bin } = JSON.parse(readFileSync(`${directory}package.json`, 'utf8')) as { bin: string | Record<string, string> };
  const script = typeof bin === 'string' ? bin : bin[command];
  const { code, output } = await run(process.execPath, [`${directory}${script}`, ...args], cwd);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}\n${withoutRoot(output)}`);
  return output;
}

/** The npm that came with this Node. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, output } = await run('npm', args, cwd);
  if (code !== 0) throw new Error(`npm ${args.join(' ')} exited with ${code}\n${output}`);
  return stdout;
}

export function demandBuild(): void {
  if (!existsSync(`${root}dist/index.js`)) throw new Error('There is no dist to look at: run `npm run build` first.');
}

function withoutRoot(text: string): string {
  return text.replaceAll(root, '');
}
