import { compareData, DriftMonitor, MemoryStorage, mergeProfiles, profileData, type DataProfile } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';

const seed = 20010713;
const odd = [Infinity, -Infinity, -Infinity, NaN, null, -0];

describe('a profile that keeps its numbers', () => {
  const sampler = new Sampler(seed);
  const before = { x: [...sampler.normals(500), ...odd] };
  const after = { x: [...sampler.normals(200, 0.2), ...odd] };
  const reference: DataProfile = JSON.parse(JSON.stringify(profileData(before, { sample: 600 })));

  it('gives the verdict of the rows, from profiles alone', () => {
    const fromRows = compareData(before, after);
    expect(fromRows.columns[0]!.tests.map(({ method }) => method)).toContain('ks-exact');
    expect(compareData(reference, after)).toEqual(fromRows);
    expect(compareData(reference, profileData(after, { bins: reference }))).toEqual(fromRows);
    expect(compareData(profileData(before), after).columns[0]!.tests.map(({ method }) => method)).toContain('ks-binned');
    expect(reference.format).toBe('modelkeep.profile/2');
  });

  it('is the same in parts, and keeps none when together they are too many', () => {
    const whole = profileData(after, { bins: reference });
    const parts = [after.x.slice(0, 80), after.x.slice(80, 81), after.x.slice(81)].map((x) => profileData({ x }, { bins: reference }));
    expect(mergeProfiles(parts)).toEqual(whole);
    expect(mergeProfiles([parts[2]!, mergeProfiles([parts[1]!, parts[0]!])])).toEqual(whole);
    const crowded = mergeProfiles([whole, whole, whole, whole]);
    expect(crowded.columns[0]).toMatchObject({ sample: { most: 600, values: null } });
    expect(compareData(reference, crowded).columns[0]!.tests.map(({ method }) => method)).toContain('ks-binned');
  });

  it('is refused when its numbers are not those that were counted, and an option that is none', () => {
    for (const sample of [{ most: 600, values: [1] }, { most: 600, values: null }, { values: [] }, null]) {
      expect(() => compareData({ ...reference, columns: [{ ...reference.columns[0]!, sample } as never] }, after)).toThrow(/columns\[0\] is not the profile/);
    }
    expect(() => profileData(before, { sample: 0 })).toThrow(/sample/);
    expect(() => compareData(reference, after, { sample: 5 })).toThrow(/decided by profileData/);
  });

  it('is compared by its bins in a monitor, which keeps no rows', async () => {
    await using monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 300 } });
    for (const x of after.x) monitor.observe({ features: { x } });
    const [x] = (await monitor.check()).columns;
    expect(x).toMatchObject({ current: { rows: after.x.length, infinite: 3 }, tests: [{ of: 'presence' }, { of: 'values', method: 'ks-binned', currentRows: after.x.length - 2 }] });
  });
});
