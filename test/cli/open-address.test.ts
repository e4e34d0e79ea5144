import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openAddress } from '../../src/cli/open-address.ts';

const directory = mkdtempSync(join(tmpdir(), 'modelkeep-open-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each([
  ['linux', 'xdg-open', []],
  ['darwin', 'open', []],
  ['win32', 'rundll32', ['url.dll,FileProtocolHandler']],
] as const)('on %s an address goes whole to %s, and no shell reads it', async (platform, command, before) => {
  const path = process.env['PATH'];
  const told = join(directory, `${platform}.txt`);
  for (const name of [command, 'cmd']) {
    writeFileSync(join(directory, name), `#!/bin/sh\nprintf '%s\\n' "\${0##*/}" "$@" > '${told}'\n`);
    chmodSync(join(directory, name), 0o755);
  }
  process.env['PATH'] = `${directory}:${path}`;
  try {
    const url = 'http://127.0.0.1:4680/metric?run=1&name=loss%20%26%20$(x)#a';
    expect(await openAddress(url, platform)).toBe(true);
    expect(readFileSync(told, 'utf8').trimEnd().split('\n')).toEqual([command, ...before, url]);
  } finally {
    process.env['PATH'] = path;
  }
});

test('where nothing opens addresses, it says so', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = join(directory, 'nothing');
  try {
    expect(await openAddress('http://127.0.0.1:4680/runs', 'linux')).toBe(false);
  } finally {
    process.env['PATH'] = path;
  }
});
