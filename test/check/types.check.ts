import { describe, test } from 'vitest';
import { runTool } from './run-tool.ts';

const environments = {
  'the isomorphic part, as a worker sees it': 'test/check/tsconfig.isomorphic.json',
  'the isomorphic part, as a page sees it': 'test/check/tsconfig.dom.json',
  'all of src, as Node 20 sees it': 'test/check/tsconfig.node.json',
  'tests, benchmarks and examples': 'test/tsconfig.json',
};

describe('types', () => {
  test.each(Object.entries(environments))('%s', async (_name, project) => {
    await runTool('typescript', 'tsc', ['--pretty', 'false', '--project', project]);
  });
});
