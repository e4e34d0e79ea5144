import { compareData, profileData, type ColumnDrift, type CompareOptions, type ComparisonMethod, type TableInput } from 'modelkeep';
import { evidentlyRules, nannyml, nannymlRules } from 'modelkeep/stats';
import { describe, expect, it, test } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { readCases } from '../golden/golden-check.ts';
import { expectClose, sampleOf, type Sample } from '../golden/golden-file.ts';

interface GoldenCase {
  readonly id: string;
  readonly test: string;
  readonly input: { readonly type?: 'num' | 'cat'; readonly ref: Sample; readonly cur: Sample } | { readonly type?: 'num' | 'cat'; readonly ref_counts: readonly number[]; readonly cur_counts: readonly number[] };
  readonly expected: number | { readonly pvalue: number };
  readonly rtol?: number;
  readonly atol?: number;
}

const rules = [evidentlyRules, nannymlRules];

const golden = readCases('statistics') as unknown as readonly GoldenCase[];

/** What the golden file calls the rules, and their names. */
const named: Readonly<Record<string, ComparisonMethod>> = {
  evidently_psi: 'evidently:psi',
  evidently_js: 'evidently:jensenshannon',
  evidently_kl: 'evidently:kl_div',
  evidently_hellinger: 'evidently:hellinger',
  psi_counts_evidently: 'evidently:psi',
  evidently_chisquare: 'evidently:chisquare',
  evidently_g_test: 'evidently:g_test',
  nannyml_js: 'nannyml:jensen_shannon',
  nannyml_hellinger: 'nannyml:hellinger',
};

const counted = (counts: readonly number[]): string[] => counts.flatMap((count, k) => new Array<string>(count).fill(`c${k}`));

function judged(reference: ArrayLike<unknown>, current: ArrayLike<unknown>, method: ComparisonMethod, options: CompareOptions = {}): ColumnDrift {
  return compareData({ x: reference }, { x: current }, { ...options, methods: { x: method }, rules }).columns[0]!;
}

const holds = { '<': (a: number, b: number) => a < b, '<=': (a: number, b: number) => a <= b, '>': (a: number, b: number) => a > b, '>=': (a: number, b: number) => a >= b };

describe('the rules of other systems, through compareData', () => {
  const cases = golden.filter(({ test: name }) => name in named);
  test.each(cases.map((each) => [each.id, each] as const))('%s', (_, { test: name, input, expected, rtol = 1e-9, atol }) => {
    const [reference, current] = 'ref_counts' in input ? [counted(input.ref_counts), counted(input.cur_counts)] : [sampleOf(input.ref), sampleOf(input.cur)];
    const { status, score } = judged(reference, current, named[name]!, input.type === 'cat' ? { kinds: { x: 'category' } } : {});
    expectClose(score!.score!, typeof expected === 'number' ? expected : expected.pvalue, { rtol: Math.max(rtol, 1e-9), atol: atol ?? 1e-12 });
    expect(score).toMatchObject({ system: named[name]!.split(':')[0], method: named[name]!.split(':')[1], referenceValues: reference.length, currentValues: current.length });
    expect(score!.drift).toBe(holds[score!.driftIf](score!.score!, score!.threshold!));
    expect(status).toBe(score!.drift ? 'drifted' : 'stable');
  });

  it('are as many as there are in the golden file, and more', () => {
    expect(new Set(cases.map(({ test: name }) => name)).size).toBe(Object.keys(named).length);
    expect(cases.length).toBeGreaterThan(35);
  });

  test.each([
    ['evidently:psi', 0.1, '>=', 'sturges-both-sides', 'fill'],
    ['evidently:kl_div', 0.1, '>=', 'sturges-both-sides', 'fill'],
    ['evidently:jensenshannon', 0.1, '>=', 'sturges-both-sides', 'none'],
    ['evidently:hellinger', 0.1, '>=', 'sturges-different-values', 'none'],
    ['evidently:wasserstein', 0.1, '>=', undefined, 'none'],
    ['evidently:ed', 0.1, '>', undefined, 'none'],
    ['evidently:ks', 0.05, '<=', undefined, 'none'],
    ['evidently:cramer_von_mises', 0.1, '<=', undefined, 'none'],
    ['evidently:anderson', 0.1, '<', undefined, 'none'],
    ['evidently:mannw', 0.05, '<', undefined, 'none'],
    ['evidently:t_test', 0.05, '<', undefined, 'none'],
    ['evidently:es', 0.05, '<', undefined, 'none'],
    ['evidently:chisquare', 0.05, '<', 'by-value', 'none'],
    ['evidently:z', 0.05, '<', 'by-value', 'none'],
    ['evidently:TVD', 0.1, '<', 'by-value', 'none'],
  ] as const)('%s has its published threshold and direction, and names its bins', (method, threshold, driftIf, binRule, zeroRule) => {
    const sampler = new Sampler(5);
    const { score } = judged(sampler.normals(300), sampler.normals(200, 0.3), method);
    expect(score).toMatchObject({ threshold, driftIf, zeroRule, referenceValues: 300, currentValues: 200 });
    expect(score!.binRule).toBe(binRule);
    expect(score!.bins === undefined).toBe(binRule === undefined);
  });

  it('evidently:default turns from a p-value to a distance at row 1001, as there', () => {
    const sampler = new Sampler(6);
    const current = sampler.normals(400);
    expect(judged(sampler.normals(1000), current, 'evidently:default').score!.method).toBe('ks');
    expect(judged(sampler.normals(1001), current, 'evidently:default').score!.method).toBe('wasserstein');
    expect(judged(sampler.categories(1001, 4), sampler.categories(90, 4), 'evidently:default').score!.method).toBe('jensenshannon');
  });

  it('nannyml takes the threshold from ten chunks of the reference and one of what is left, in the order of rows', () => {
    const sampler = new Sampler(7);
    const reference = sampler.normals(1004);
    const chunks = Array.from({ length: 11 }, (_, i) => nannyml.jensenShannon(reference, reference.slice(i * 100, i * 100 + 100)));
    const { upper } = nannyml.standardDeviationThreshold(chunks);
    const { score } = judged(reference, sampler.normals(300, 1), 'nannyml:jensen_shannon');
    expect(score).toMatchObject({ threshold: Math.min(1, upper), driftIf: '>', binRule: 'doane-reference', zeroRule: 'none' });
    const letters = sampler.categories(500, 5);
    const moved = letters.map((letter) => (letter === 'c0' ? 'new' : letter));
    expect(judged(letters, moved, 'nannyml:l_infinity')).toMatchObject({ status: 'drifted', score: { method: 'l_infinity', binRule: 'by-value', bins: 6 } });
    expect(judged(letters.slice(0, 9), moved, 'nannyml:l_infinity')).toMatchObject({ status: 'insufficient', score: { threshold: null, drift: false } });
  });

  it('judge their column whatever the number of rows, and leave the others as they were', () => {
    const sampler = new Sampler(8);
    const reference = { a: sampler.normals(200), b: sampler.normals(200), c: sampler.categories(200, 3) };
    const current = { a: sampler.normals(200, 2), b: sampler.normals(200, 2), c: reference.c };
    const own = compareData({ b: reference.b, c: reference.c }, { b: current.b, c: current.c });
    const report = compareData(reference, current, { methods: { a: 'evidently:mannw' }, rules });
    // Its one-sided test is blind to a fall, and is ours to reproduce, not to mend.
    expect(report.columns[0]).toMatchObject({ name: 'a', status: 'drifted', score: { method: 'mannw' } });
    expect(report.columns[0]!.adjustedPValue).toBeUndefined();
    expect(report.columns.slice(1)).toEqual(own.columns);
    expect(judged([1, 2, 3], [7, 8, 9], 'evidently:psi')).toMatchObject({ status: 'drifted', tests: [] });
    expect(judged(current.a, reference.a, 'evidently:mannw')).toMatchObject({ status: 'stable', effect: { low: expect.any(Number) } });
    expect(report.summary).toMatch(/a \(evidently:mannw \d/);
  });

  it('gives null and insufficient where the method is not defined', () => {
    expect(judged(['a', 'b'], [1, 2], 'evidently:ks')).toMatchObject({ status: 'insufficient', reason: expect.stringContaining('is not defined'), score: { score: null, drift: false } });
    expect(judged([], [1, 2], 'evidently:psi').status).toBe('insufficient');
    expect(judged([new Date(0)], [new Date(1)], 'evidently:psi')).toMatchObject({ status: 'insufficient', kind: 'timestamp' });
    const months = [0, 1].map((month) => Array.from({ length: 300 }, (_, hour) => new Date(Date.UTC(2001, month, 1, hour))));
    expect(judged(months[0]!, months[1]!, 'nannyml:hellinger')).toMatchObject({ status: 'insufficient', kind: 'timestamp', tests: [{}, {}], score: { score: null } });
    const vectors = Array.from({ length: 50 }, (_, i) => Array.from({ length: 8 }, (__, k) => (i * k) % 7));
    expect(judged(vectors, vectors, 'evidently:default')).toMatchObject({ status: 'insufficient', kind: 'embedding', score: { score: null } });
    expect(compareData({ x: [1, 2, 3], y: [1, 2, 3] }, { y: [1, 2, 3] }, { methods: { x: 'evidently:psi' }, rules }).columns[0]!.reason).toBe('the current data has no such column');
  });

  it('refuses names that are none with the list, columns that are not there, and profiles', () => {
    const data: TableInput = { x: [1, 2, 3] };
    expect(() => compareData(data, data, { methods: { x: 'evidently:ps' as 'evidently:psi' }, rules })).toThrow(/options\.methods\.x is "evidently:ps"; it must be one of 'evidently:default', 'evidently:psi'.*'evidently:TVD'/);
    expect(() => compareData(data, data, { methods: { y: 'evidently:psi' }, rules })).toThrow(/column 'y', which the reference does not have/);
    expect(() => compareData(profileData(data), data, { methods: { x: 'evidently:psi' }, rules })).toThrow(/The reference is a profile, and the method 'evidently:psi' of column 'x' needs the rows/);
    expect(() => compareData(data, profileData(data), { methods: { x: 'evidently:psi' }, rules })).toThrow(/The current is a profile/);
    expect(() => compareData(data, data, { methods: ['evidently:psi'] as never })).toThrow(/options\.methods is/);
    expect(() => compareData(data, data, { methods: { x: 'psi' as 'evidently:psi' }, rules })).toThrow(/it must be one of .*'evidently:psi'.*'nannyml:l_infinity'/);
    expect(() => compareData(data, data, { methods: { x: 'evidently:constructor' as 'evidently:psi' }, rules })).toThrow(/must be one of/);
    expect([...evidentlyRules.methods, ...nannymlRules.methods]).toHaveLength(21);
  });

  it('says what to import where the rules were not given, and what rules are', () => {
    const data: TableInput = { x: [1, 2, 3] };
    expect(() => compareData(data, data, { methods: { x: 'evidently:psi' } })).toThrow(/options\.rules has no rules of evidently; import \{ evidentlyRules \} from 'modelkeep\/stats' and give rules: \[evidentlyRules\]/);
    expect(() => compareData(data, data, { methods: { x: 'nannyml:hellinger' }, rules: [evidentlyRules] })).toThrow(/no rules of nannyml/);
    for (const wrong of [evidentlyRules, [null], [{ system: 'evidently' }], 'evidently']) expect(() => compareData(data, data, { rules: wrong as never })).toThrow(/options\.rules is/);
  });
});
