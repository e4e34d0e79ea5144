import { MemoryStorage } from 'modelkeep';
import { expect, it } from 'vitest';
import { namesUnder } from '../../src/cli/names-under.ts';

it('tells each name once, also where another begins with it and more lies below it', async () => {
  const storage = new MemoryStorage();
  const keys = ['monitors/a', 'monitors/a-b', 'monitors/a/panes/1', 'monitors/a/panes/2', 'monitors/b/panes/1', 'other/c'];
  await storage.write(keys.map((key) => ({ kind: 'put', key, bytes: new Uint8Array(1), condition: 'absent' })));
  expect(await namesUnder(storage, 'monitors/', {})).toEqual(['a', 'a-b', 'b']);
});
