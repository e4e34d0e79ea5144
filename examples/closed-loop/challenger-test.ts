import { ABTest, type AbAnalysis, type Clock, type StorageAdapter } from 'modelkeep';

/** Names the test in the store. */
export const testName = 'the last hours as well';

/** A test between two versions: each flight is answered by one of them, and counts with what the answer was worth. */
export async function startTest(storage: StorageAdapter, clock: Clock, versions: { readonly current: number; readonly challenger: number }): Promise<ABTest> {
  // #region test
  const test = new ABTest({
    storage,
    name: testName,
    variants: [
      { name: 'daily', version: versions.current },
      { name: 'recent', version: versions.challenger },
    ],
    metrics: [
      { name: 'benefit', kind: 'mean', role: 'primary' },
      { name: 'brier', kind: 'mean', role: 'guardrail', goal: 'decrease', margin: 0.05 },
    ],
    clock,
  });
  await test.start({ by: 'ann', reason: 'a model that looks at the last hours too is better offline' });
  // #endregion test
  return test;
}

/** What the test says by now. It may be asked every day: its intervals hold however often they are looked at. */
export async function lookAt(test: ABTest): Promise<AbAnalysis> {
  await test.flush();
  return test.analyze();
}
