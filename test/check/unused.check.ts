import { describe, test } from 'vitest';
import { runTool } from './run-tool.ts';

const knip = (...args: string[]): Promise<string> =>
  runTool('knip', 'knip', ['--config', 'test/check/knip.jsonc', '--no-progress', '--no-config-hints', ...args]);

describe('unused', () => {
  test('no file, export or dependency that nothing uses', async () => {
    await knip();
  });

  test('nothing in src lives for the tests alone', async () => {
    await knip('--production', '--include', 'files,exports,types');
  });

  test('no cycle of imports', async () => {
    await knip('--include', 'cycles');
  });
});
