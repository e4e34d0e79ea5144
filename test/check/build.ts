import { spawnSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { root } from './project.ts';

// The new dist is compiled beside the old one and swapped in, so that a failed build or a second one running now leaves a whole dist.
const fresh = `.dist-${process.pid}`;
const stale = `.dist-${process.pid}-old`;
const remove = (directory: string): void => rmSync(`${root}${directory}`, { recursive: true, force: true });

const compiler = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '--outDir', fresh], {
  cwd: root,
  stdio: 'inherit',
});
if (compiler.status === 0) {
  swapIn();
} else {
  remove(fresh);
  process.exitCode = compiler.status ?? 1;
}

function swapIn(): void {
  try {
    renameSync(`${root}dist`, `${root}${stale}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  renameSync(`${root}${fresh}`, `${root}dist`);
  remove(stale);
}
