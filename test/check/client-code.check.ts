import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clientCode, clientModule } from './client-code.ts';
import { root } from './project.ts';

describe('code of pages', () => {
  test.each(clientCode)('$target is what its sources bundle to; npm run client:sync brings it up to date', async (code) => {
    expect(readFileSync(root + code.target, 'utf8')).toBe(await clientModule(code));
  });

  test.each(clientCode)('$target can stand in a script or style element', async (code) => {
    expect(await clientModule(code)).not.toMatch(/<\/(script|style)|<!--/i);
  });
});
