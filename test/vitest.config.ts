import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const report = process.env['TEST_REPORT'];

// What these rooms hold computes, alike on every version of Node; the others touch the host.
const pure = ['core', 'experiments', 'features', 'maturity', 'monitoring', 'pipelines', 'registry', 'report', 'server', 'serving', 'stats', 'tracking'].map((room) => `test/${room}/**/*.test.ts`);

// What runs in a page, which is the same whichever Node starts the browser.
const page = ['test/browser/**/*.test.ts'];

export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^modelkeep$/, replacement: `${root}src/index.ts` },
      { find: /^modelkeep\/(?!package\.json)(.+)$/, replacement: `${root}src/$1.ts` },
    ],
  },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    // Modules keep nothing between calls, so tests can share a process, which saves them the start of it and its imports. For the same reason `npm test` runs all that needs no page as one project: each has modules and processes of its own. What
    // drives a browser changes the process it is in, by listeners to signals and a `cwd` of its own.
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'], exclude: page, isolate: false } },
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...pure, ...page], isolate: false } },
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
      { extends: true, test: { name: 'page', include: page, isolate: false } },
      {
        extends: true,
        test: { name: 'check', include: ['test/check/**/*.check.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
});
