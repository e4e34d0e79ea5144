// Runs compiled examples one after another in this process, each in an empty directory of its own, and reports
// one marked line of JSON for each: node --import tsx example-runner.ts a.js b.js
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const reportMark = '@@example ';
const timeLimit = 20_000;
const graceAtTheEnd = 5_000;

let failCurrent: (error: unknown) => void = () => undefined;
process.on('uncaughtException', (error) => failCurrent(error));

const report = (result: { file: string; error?: string }): void => void process.stdout.write(`${reportMark}${JSON.stringify(result)}\n`);
// What an example prints is for its reader; here only the reports may reach standard output.
for (const method of ['log', 'info', 'warn', 'error', 'debug', 'table', 'dir'] as const) console[method] = () => undefined;

for (const file of process.argv.slice(2)) {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-example-'));
  process.chdir(directory);
  const failed = new Promise<never>((_resolve, reject) => (failCurrent = reject));
  const timer = setTimeout(() => failCurrent(new Error(`still running after ${timeLimit / 1000} s`)), timeLimit);
  try {
    await Promise.race([import(pathToFileURL(file).href), failed]);
    // Rejections that nobody handles surface one turn later.
    await Promise.race([new Promise((resolve) => setImmediate(resolve)), failed]);
    report({ file });
  } catch (error) {
    report({ file, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  } finally {
    clearTimeout(timer);
    process.chdir(tmpdir());
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

failCurrent = (error) => {
  report({ file: 'after the last example', error: String(error) });
  process.exit(1);
};
setTimeout(() => {
  report({ file: 'after the last example', error: `something keeps the process alive: ${process.getActiveResourcesInfo().join(', ')}` });
  process.exit(1);
}, graceAtTheEnd).unref();
