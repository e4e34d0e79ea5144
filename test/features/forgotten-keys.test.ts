import { expect, it } from 'vitest';
import { ForgottenKeys } from '../../src/features/forgotten-keys.ts';
import { MemoryStorage } from '../../src/index.ts';
import { readValue, writeValue } from '../../src/storage/records.ts';

const view = 'delays';
const record = `features/forgotten/${view}` as const;

it('knows the keys of a store from before notes were numbered, and numbers what comes', async () => {
  const other = new MemoryStorage();
  await new ForgottenKeys(other).forget(view, ['a'], 1000, {});
  const [name] = Object.keys((await readValue<{ keys: object }>(other, record))!.value.keys);

  const storage = new MemoryStorage();
  await writeValue(storage, record, { [name!]: 1000 });
  const keys = new ForgottenKeys(storage);
  expect(await keys.heard(view, {})).toBe(0);
  expect((await keys.since(view, 1000, {}))?.('a')).toBe(1000);
  expect(await keys.since(view, 1001, {})).toBeUndefined();

  await keys.forget(view, ['b'], 2000, {});
  const { heard, has } = await keys.forgottenAfter(view, 0, {});
  expect([heard, has?.('a'), has?.('b')]).toEqual([1, false, true]);
  expect((await keys.since(view, 0, {}))?.('a')).toBe(1000);
});
