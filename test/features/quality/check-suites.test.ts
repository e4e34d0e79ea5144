import { checkSuite, FeatureStore, featureView, isModelkeepError, MemoryStorage, type CheckOutcome, type CheckReport, type CheckSuiteOptions, type DriftCheck, type ErrorCode, type Row, type TableChecks } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { hellingerDistance, jensenShannonDistance, ksTest, lInfinity, psi, quantileEdges, countInBins, totalVariation, wassersteinDistance } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import { simulatedClock } from '../simulated-clock.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2024, 4, 1);
const day = 86_400_000;
const view = featureView({ name: 'v', entity: ['k'], timestamp: 'at', features: { x: 'float64', n: 'int64', code: 'string', ok: 'bool', until: 'timestamp', data: 'json' } });

async function make(storage = new MemoryStorage()) {
  const store = new FeatureStore({ storage, clock: simulatedClock(T + 10 * day) });
  await store.apply([view]);
  return store;
}

let batches = 0;
const rowsOf = (count: number, value: (i: number) => object, from = T): Row[] => {
  const batch = batches++;
  return Array.from({ length: count }, (_, i) => ({ k: `${batch}/${i}`, at: from + i, x: null, n: null, code: null, ok: null, until: null, data: null, ...value(i) }));
};
const codes = (count: number, from = T) => rowsOf(count, (i) => ({ x: i % 100, n: BigInt(i % 10), code: 'ABBCCC'[i % 6], ok: i % 4 === 0 }), from);

function outcome(report: CheckReport | undefined, check: string, severity: CheckOutcome['severity'] = 'error'): CheckOutcome {
  return report!.outcomes.find((each) => each.check === check && each.severity === severity)!;
}

const isError = (code: ErrorCode, text: string) => (error: unknown) => isModelkeepError(error, code) && error.message.includes(text);
const drift = (column: string, maxDrift: DriftCheck): TableChecks => ({ columns: { [column]: { maxDrift } } });

describe('a suite of checks', () => {
  it('is stored in versions, read back and listed, in whatever store', async () => {
    const place = directory();
    const storage = new FilesystemStorage(place);
    const store = new FeatureStore({ storage, clock: simulatedClock(T) });
    const options: CheckSuiteOptions = { name: 'rows', owner: 'data', errors: { columns: { x: { min: 0, in: [1, 2n, new Date(T)] } }, maxFuture: '5m' } };
    const [first] = await store.apply([checkSuite(options)]);
    expect(first).toMatchObject({ kind: 'check-suite', name: 'rows', version: 1, change: 'created' });
    expect((await store.apply([checkSuite({ ...options })]))[0]).toEqual({ ...first, change: 'unchanged' });
    expect((await store.apply([checkSuite({ name: 'rows', warnings: { minRows: 2 } }), checkSuite({ name: 'another' })]))[0]).toMatchObject({ version: 2, change: 'extended' });
    // What was in force before comes back as a version of its own.
    expect((await store.apply([checkSuite(options)]))[0]).toMatchObject({ version: 3, digest: first!.digest });
    await storage.close();

    const again = new FilesystemStorage(place);
    const reader = new FeatureStore({ storage: again });
    expect((await reader.listCheckSuites()).map(({ suite, version }) => `${suite.name}@${version}`)).toEqual(['another@1', 'rows@3']);
    expect(await reader.getCheckSuite('rows@1')).toEqual({ suite: checkSuite(options), version: 1, digest: first!.digest, at: T });
    expect((await reader.getCheckSuite('rows@2')).suite).toEqual({ kind: 'check-suite', name: 'rows', errors: {}, warnings: { minRows: 2 } });
    expect((await reader.getCheckSuite('rows')).version).toBe(3);
    await expect(reader.getCheckSuite('rows@4')).rejects.toSatisfy(isError('not-found', 'it has 1, 2, 3'));
    await expect(reader.getCheckSuite('others')).rejects.toSatisfy(isError('not-found', "no suite of checks 'others'"));
    await again.close();
  });

  it('is a copy of what it was made of, and refused when it is none', async () => {
    const errors = { columns: { x: { min: 0 } } };
    const suite = checkSuite({ name: 'rows', errors });
    errors.columns.x.min = 5;
    expect(suite.errors.columns!['x']!.min).toBe(0);
    const store = await make();
    const given = (checks: TableChecks) => checks;
    const bad: [object, string][] = [
      [{ name: 'a b' }, 'cannot name a suite'], [{ name: 's', errors: { columns: { x: { most: 1 } } } }, 'columns.x'], [{ name: 's', warnings: { maxFuture: 'soon' } }, 'maxFuture'], [{ name: 's', error: {} }, 'error'],
      [{ name: 's', errors: given(drift('x', { method: 'chance' as never, max: 1, reference: { values: [1] } })) }, 'method'], [{ name: 's', errors: given(drift('x', { method: 'psi', max: -1, reference: { values: [1] } })) }, 'max'],
      [{ name: 's', errors: given(drift('x', { method: 'psi', max: 1, reference: 5 as never })) }, 'reference'], [{ name: 's', errors: given(drift('x', { method: 'psi', max: 1, reference: { day: '2024-02-30' } })) }, 'reference.day'],
      [{ name: 's', errors: given(drift('x', { method: 'psi', max: 1, reference: { values: [] } })) }, 'reference.values'], [{ name: 's', errors: given(drift('x', { method: 'psi', max: 1, reference: { values: [{} as never] } })) }, 'reference.values'],
      [{ name: 's', errors: given(drift('x', { method: 'psi', max: 1, reference: { dataset: 'd', day: '2024-05-01' } })) }, 'reference'], [{ name: 's', errors: given(drift('x', { method: 'psi', max: 1, minRows: 0, reference: { values: [1] } })) }, 'minRows'],
    ];
    for (const [options, text] of bad) {
      expect(() => checkSuite(options as never), text).toThrow(text);
      await expect(store.apply([{ kind: 'check-suite', errors: {}, warnings: {}, ...options } as never]), text).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
    }
    expect(await store.listCheckSuites()).toEqual([]);
  });

  it('refuses by its errors, and only tells by its warnings', async () => {
    const store = await make();
    await store.apply([checkSuite({ name: 'rows', errors: { columns: { x: { min: 0, max: 1000 }, code: { notNull: true } } }, warnings: { minRows: 3, columns: { x: { max: 100, unique: false }, code: { in: ['A'] } } } })]);
    const bad = rowsOf(4, (i) => ({ x: [5, 500, 5000, 7][i], code: 'AABA'[i] }));
    await expect(store.ingest(view, bad, { validate: 'rows' })).rejects.toSatisfy(isError('validation', 'more than the 1000'));
    const result = await store.ingest(view, bad, { validate: 'rows', onInvalid: 'quarantine' });
    expect(result).toMatchObject({ rows: 3, quarantined: 1, checks: { suite: 'rows@1' } });
    const byPlace = (a: CheckOutcome, b: CheckOutcome) => (`${a.severity} ${a.check}` < `${b.severity} ${b.check}` ? -1 : 1);
    expect([...result.checks!.outcomes].sort(byPlace)).toEqual([
      { column: 'x', check: 'max', severity: 'error', status: 'failed', rows: 1, message: 'rows[2].x is 5000, more than the 1000 that it is at most.' },
      { column: 'x', check: 'min', severity: 'error', status: 'passed', rows: 0 },
      { column: 'code', check: 'notNull', severity: 'error', status: 'passed', rows: 0 },
      { column: 'code', check: 'in', severity: 'warning', status: 'failed', rows: 1, message: 'rows[2].code is "B", which is none of ["A"].' },
      { column: 'x', check: 'max', severity: 'warning', status: 'failed', rows: 2, message: 'rows[1].x is 500, more than the 100 that it is at most.' },
      { check: 'minRows', severity: 'warning', status: 'passed', rows: 0 },
    ]);
    const [aside] = (await store.quarantined(view)).items;
    expect(aside!.reasons.map(({ check }) => check)).toEqual(['max']);
    await expect(store.releaseQuarantined(view, [{ id: aside!.id, values: { x: 2000 } }], { validate: 'rows' })).rejects.toSatisfy(isError('validation', 'more than the 1000'));
    expect(await store.releaseQuarantined(view, [{ id: aside!.id, values: { x: 900 } }], { validate: 'rows' })).toBe(1);
    // One row is too few, and comes in all the same.
    expect(await store.ingest(view, rowsOf(1, () => ({ x: 1, code: 'A' })), { validate: 'rows' })).toMatchObject({ rows: 1 });
  });

  it('stays the version that is asked for, and is told of by it', async () => {
    const store = await make();
    await store.apply([checkSuite({ name: 'rows', errors: { columns: { x: { max: 1 } } } })]);
    await store.apply([checkSuite({ name: 'rows', errors: { columns: { x: { max: 10 } } } })]);
    const five = () => rowsOf(1, () => ({ x: 5 }));
    await expect(store.ingest(view, five(), { validate: 'rows@1' })).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
    expect((await store.ingest(view, five(), { validate: 'rows' })).checks!.suite).toBe('rows@2');
    expect((await store.ingest(view, five(), { validate: { columns: { x: { max: 5 } } } })).checks).toEqual({ outcomes: [{ column: 'x', check: 'max', severity: 'error', status: 'passed', rows: 0 }] });
    expect(await store.ingest(view, five())).not.toHaveProperty('checks');
  });

  it('is refused, with nothing written, where it does not fit the view', async () => {
    const store = await make();
    const values = { values: Array.from({ length: 200 }, (_, i) => i) };
    const texts = { values: Array.from({ length: 200 }, (_, i) => `${i % 3}`) };
    await store.saveDataset('d', { entities: [{ k: 'a', t: T, label: 1, late: T }], timestamp: 't', features: ['v:x', 'v:data'] });
    const bad: [TableChecks | string | number, ErrorCode, string][] = [
      ['none', 'not-found', "no suite of checks 'none'"], ['a b', 'validation', 'options.validate'], [5, 'validation', 'name of a suite'], [{ columns: { z: { min: 1 } } }, 'validation', 'options.validate.columns.z'],
      [drift('z', { method: 'psi', max: 1, reference: values }), 'validation', 'columns.z'],
      [drift('x', { method: 'l-infinity', max: 1, reference: values }), 'validation', 'about texts and truth values'], [drift('code', { method: 'wasserstein', max: 1, reference: texts }), 'validation', 'about numbers'],
      [drift('until', { method: 'psi', max: 1, reference: values }), 'validation', 'move on by their nature'], [drift('data', { method: 'psi', max: 1, reference: texts }), 'validation', 'json values'],
      [drift('x', { method: 'psi', max: 1, reference: texts }), 'validation', 'reference.values'], [drift('k', { method: 'psi', max: 1, reference: values }), 'validation', 'holds numbers'],
      [drift('k', { method: 'psi', max: 1, reference: { values: ['a', 1] } }), 'validation', 'several types'],
      [drift('x', { method: 'psi', max: 1, reference: { dataset: 'nothing' } }), 'not-found', "columns.x.maxDrift.reference.dataset: There is no dataset 'nothing'"], [drift('x', { method: 'psi', max: 1, reference: { dataset: 'd@7' } }), 'not-found', 'version 7'],
      [drift('n', { method: 'psi', max: 1, reference: { dataset: 'd' } }), 'validation', 'no such column'], [drift('n', { method: 'psi', max: 1, reference: { dataset: 'd', column: 'data' } }), 'validation', 'json values'],
      [drift('n', { method: 'psi', max: 1, reference: { dataset: 'd', column: 'x', split: 'train' } }), 'validation', 'split'], [drift('code', { method: 'psi', max: 1, reference: { dataset: 'd', column: 'x' } }), 'validation', 'holds numbers'],
      [drift('x', { method: 'psi', max: 1, reference: { day: '2024-05-01' } }), 'not-found', 'no rows of 2024-05-01'], [drift('k', { method: 'psi', max: 1, reference: { day: '2024-05-01' } }), 'validation', 'no statistics'],
    ];
    for (const [validate, code, text] of bad) await expect(store.ingest(view, codes(200), { validate: validate as never, onInvalid: 'quarantine' }), text).rejects.toSatisfy(isError(code, text), text);
    expect((await store.statistics(view)).items).toEqual([]);
    expect((await store.quarantined(view)).items).toEqual([]);
  });
});

describe('drift from a reference', () => {
  it('is what the functions of modelkeep/stats give', async () => {
    const store = await make();
    const before = Array.from({ length: 500 }, (_, i) => (i * 37) % 211);
    const now = Array.from({ length: 400 }, (_, i) => ((i * 53) % 199) + 20);
    const edges = quantileEdges(before, 10);
    const [p, q] = [countInBins(before, edges), countInBins(now, edges)];
    const numbers = {
      psi: psi(p, q).value, 'jensen-shannon': jensenShannonDistance(p, q, { base: 2 }), hellinger: hellingerDistance(p, q), 'total-variation': totalVariation(p, q),
      'kolmogorov-smirnov': ksTest(before, now).statistic, wasserstein: wassersteinDistance(before, now, { scale: 'reference-sd' }),
    };
    const measured = async (column: string, rows: Row[], method: DriftCheck['method'], values: readonly (string | number | boolean)[]) =>
      outcome((await store.ingest(view, rows, { validate: drift(column, { method, max: 100, reference: { values } }) })).checks, 'maxDrift').distance;
    for (const [method, distance] of Object.entries(numbers)) {
      expect(await measured('x', rowsOf(now.length, (i) => ({ x: now[i] })), method as never, before), method).toBeCloseTo(distance, 12);
      expect(await measured('n', rowsOf(now.length, (i) => ({ n: BigInt(now[i]!) })), method as never, before), method).toBeCloseTo(distance, 12);
    }
    const [a, b] = [[60, 30, 10, 0], [50, 20, 20, 30]];
    const spread = (counts: readonly number[], names: readonly string[]) => counts.flatMap((count, i) => Array.from({ length: count }, () => names[i]!));
    const names = spread(b, ['a', 'b', 'c', 'new']);
    const categories = { psi: psi(a, b).value, 'jensen-shannon': jensenShannonDistance(a, b, { base: 2 }), hellinger: hellingerDistance(a, b), 'total-variation': totalVariation(a, b), 'l-infinity': lInfinity(a, b) };
    for (const [method, distance] of Object.entries(categories)) expect(await measured('code', rowsOf(names.length, (i) => ({ code: names[i] })), method as never, spread(a, ['a', 'b', 'c'])), method).toBeCloseTo(distance, 12);
    expect(await measured('ok', rowsOf(200, (i) => ({ ok: i < 50 })), 'l-infinity', spread([50, 50], ['y', 'n']).map((each) => each === 'y'))).toBeCloseTo(0.25, 12);
  });

  it('has a table set aside or refused where it is too large, and is told of as a warning', async () => {
    const store = await make();
    const check = drift('x', { method: 'kolmogorov-smirnov', max: 0.2, reference: { values: Array.from({ length: 300 }, (_, i) => i % 100) } });
    await store.apply([checkSuite({ name: 'strict', errors: check }), checkSuite({ name: 'lenient', warnings: check })]);
    const moved = rowsOf(200, (i) => ({ x: (i % 100) + 50 }));
    await expect(store.ingest(view, moved, { validate: 'strict' })).rejects.toSatisfy(isError('validation', 'rows.x is 0.5 from its reference by kolmogorov-smirnov, more than the 0.2 that it may be.'));
    expect(outcome((await store.ingest(view, codes(200), { validate: 'strict' })).checks, 'maxDrift')).toMatchObject({ status: 'passed', rows: 0, distance: 0 });
    const told = await store.ingest(view, moved, { validate: 'lenient' });
    expect(told).toMatchObject({ rows: 200, quarantined: 0 });
    expect(outcome(told.checks, 'maxDrift', 'warning')).toMatchObject({ status: 'failed', rows: 200, distance: 0.5 });
    const aside = await store.ingest(view, rowsOf(150, () => ({ x: 99 })), { validate: 'strict', onInvalid: 'quarantine' });
    expect(aside).toMatchObject({ rows: 0, quarantined: 150 });
    expect((await store.quarantined(view, { limit: 1 })).items[0]!.reasons).toMatchObject([{ column: 'x', check: 'maxDrift' }]);
  });

  it('is not measured of too few values, and never throws for what is in them', async () => {
    const store = await make();
    const reference = { values: Array.from({ length: 300 }, (_, i) => i % 100) };
    const look = async (rows: Row[], minRows?: number, column = 'x', against: DriftCheck['reference'] = reference) =>
      outcome((await store.ingest(view, rows, { validate: drift(column, { method: 'psi', max: 0.2, minRows, reference: against }) })).checks, 'maxDrift');
    expect(await look([])).toEqual({ column: 'x', check: 'maxDrift', severity: 'error', status: 'insufficient', rows: 0, message: 'There were no rows to look at.' });
    expect(outcome((await store.ingest(view, { k: [], at: [], x: [], n: [], code: [], ok: [], until: [], data: [] }, { validate: { minRows: 1 } })).checks, 'minRows')).toMatchObject({ status: 'insufficient' });
    expect(await look(rowsOf(1, () => ({ x: 5000 })))).toMatchObject({ status: 'insufficient', rows: 0, message: 'rows.x has 1 values, fewer than the 100 that psi is measured of.' });
    // One value, one as far away as can be, and a reference of one value are measured where that is asked for.
    expect(await look(rowsOf(1, () => ({ x: 50 })), 1)).toMatchObject({ status: 'passed', distance: psi(Array.from({ length: 10 }, () => 30), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).value });
    expect(await look(rowsOf(1, () => ({ x: 5 })), 1, 'x', { values: [5] })).toMatchObject({ status: 'passed', distance: 0 });
    expect(await look(codes(200), 100, 'x', { values: [1, 2, 3] })).toMatchObject({ status: 'insufficient', message: 'the reference of rows.x has 3 values, fewer than the 100 that psi is measured of.' });
    for (const nothing of [null, NaN]) expect(await look(rowsOf(500, () => ({ x: nothing })))).toMatchObject({ status: 'insufficient', message: 'rows.x has 0 values, fewer than the 100 that psi is measured of.' });
    // NaN and missing values take no part beside others.
    expect(await look(rowsOf(600, (i) => ({ x: i < 300 ? i % 100 : i % 2 ? NaN : null })))).toMatchObject({ status: 'passed', distance: 0 });
    const keys = { values: Array.from({ length: 200 }, (_, i) => `${i % 2}`) };
    expect(await store.ingest(view, rowsOf(200, () => ({ k: null })), { validate: drift('k', { method: 'psi', max: 0.2, reference: keys }), onInvalid: 'quarantine' })).toMatchObject({ quarantined: 200, checks: { outcomes: [{ status: 'insufficient' }] } });
  });

  it('is found by infinite values and by values that were never there', async () => {
    const store = await make();
    const numbers = { values: Array.from({ length: 300 }, (_, i) => i % 100) };
    const look = async (rows: Row[], column: string, method: DriftCheck['method'], reference: DriftCheck['reference']) => {
      await store.apply([checkSuite({ name: 'rows', warnings: drift(column, { method, max: 0.25, reference }) })]);
      return outcome((await store.ingest(view, rows, { validate: 'rows' })).checks, 'maxDrift', 'warning');
    };
    for (const method of ['psi', 'jensen-shannon', 'hellinger', 'total-variation', 'kolmogorov-smirnov', 'wasserstein'] as const) {
      expect(await look(rowsOf(200, (i) => ({ x: i < 100 ? Infinity : i })), 'x', method, numbers), method).toMatchObject({ status: 'failed', rows: 200 });
      expect(await look(rowsOf(200, () => ({ x: -Infinity })), 'x', method, numbers), method).toMatchObject({ status: 'failed' });
    }
    for (const method of ['psi', 'jensen-shannon', 'hellinger', 'total-variation', 'l-infinity'] as const) {
      const seen = { values: Array.from({ length: 200 }, (_, i) => 'ab'[i % 2]!) };
      expect(await look(rowsOf(200, (i) => ({ code: 'ab'[i % 2] })), 'code', method, seen), method).toMatchObject({ status: 'passed', distance: expect.closeTo(0, 12) as number });
      expect(await look(rowsOf(200, (i) => ({ code: i < 80 ? 'new' : 'ab'[i % 2] })), 'code', method, seen), method).toMatchObject({ status: 'failed' });
      expect(await look(rowsOf(200, (i) => ({ code: ['new', 'toString', '__proto__'][i % 3] })), 'code', method, seen), method).toMatchObject({ status: 'failed' });
    }
  });

  it('is measured of each table of a stream, and told of once', async () => {
    const store = await make();
    const validate = drift('x', { method: 'kolmogorov-smirnov', max: 0.3, reference: { values: Array.from({ length: 300 }, (_, i) => i % 100) } });
    const tables = [rowsOf(10, () => ({ x: 5000 })), rowsOf(100, (i) => ({ x: i })), rowsOf(100, (i) => ({ x: i + 20 })), rowsOf(100, (i) => ({ x: i + 50 }))];
    async function* stream(count: number) {
      for (const rows of tables.slice(0, count)) yield { ...Object.fromEntries(Object.keys(rows[0]!).map((name) => [name, rows.map((row) => row[name])])) };
    }
    const tell = async (count: number) => (await store.ingest(view, stream(count), { validate, onInvalid: 'quarantine' })).checks!.outcomes[0];
    expect(await tell(1)).toMatchObject({ status: 'insufficient' });
    expect(await tell(3)).toEqual({ column: 'x', check: 'maxDrift', severity: 'error', status: 'passed', rows: 0, distance: 0.2 });
    expect(await tell(4)).toMatchObject({ status: 'failed', rows: 100, distance: 0.5, message: expect.stringContaining('is 0.5 from its reference') as string });
  });

  it('is from a saved dataset as it is, whole or by split', async () => {
    const store = await make();
    const source = codes(300);
    await store.ingest(view, source);
    const entities = source.map(({ k }, i) => ({ k, t: T + day + i, label: i < 150 ? 'low' : 'high', score: i < 150 ? i % 50 : 1000 + i }));
    await store.saveDataset('d', { entities, timestamp: 't', features: ['v:*'], splits: { by: 'time', fractions: { train: 0.5, test: 0.5 } } });
    const distance = async (rows: Row[], column: string, method: DriftCheck['method'], reference: DriftCheck['reference']) =>
      outcome((await store.ingest(view, rows, { validate: drift(column, { method, max: 10_000, reference }) })).checks, 'maxDrift').distance;
    for (const method of ['psi', 'kolmogorov-smirnov', 'wasserstein'] as const) {
      for (const column of ['x', 'n']) expect(await distance(codes(300), column, method, { dataset: 'd@1' }), `${method} ${column}`).toBe(0);
    }
    for (const column of ['code', 'ok']) expect(await distance(codes(300), column, 'l-infinity', { dataset: 'd' })).toBeCloseTo(0, 12);
    const low = rowsOf(150, (i) => ({ x: i % 50 }));
    expect(await distance(low, 'x', 'kolmogorov-smirnov', { dataset: 'd', column: 'score', split: 'train' })).toBe(0);
    expect(await distance(low, 'x', 'kolmogorov-smirnov', { dataset: 'd', column: 'score', split: 'test' })).toBe(1);
    expect(await distance(low, 'x', 'kolmogorov-smirnov', { dataset: 'd', column: 'score' })).toBe(0.5);
  });

  it('is from the statistics of a day, counted when they never were and else as they were counted last', async () => {
    const store = await make();
    await store.ingest(view, codes(180));
    const distance = async (rows: Row[], column: string, method: DriftCheck['method']) =>
      outcome((await store.ingest(view, rows, { validate: drift(column, { method, max: 10_000, reference: { day: '2024-05-01' } }) })).checks, 'maxDrift').distance;
    const same = () => codes(180, T + day);
    for (const [column, method] of [['x', 'kolmogorov-smirnov'], ['n', 'wasserstein'], ['x', 'psi'], ['code', 'l-infinity'], ['ok', 'hellinger']] as const) expect(await distance(same(), column, method), column).toBeCloseTo(0, 12);
    // Late rows of the day count when its statistics are counted anew.
    await store.ingest(view, rowsOf(180, () => ({ x: 500, code: 'Z' })));
    expect(await distance(same(), 'x', 'kolmogorov-smirnov')).toBe(0);
    await store.statistics(view);
    expect(await distance(same(), 'x', 'kolmogorov-smirnov')).toBe(0.5);
    expect(await distance(same(), 'code', 'total-variation')).toBeCloseTo(0.5, 12);
  });

  it('is near the truth where a day has more values than its statistics keep', async () => {
    const store = await make();
    const value = (i: number) => ({ x: (i * 7919) % 20_011, code: `c${i % 400}` });
    await store.ingest(view, rowsOf(20_000, value));
    const look = async (move: number, column: string, method: DriftCheck['method']) =>
      outcome((await store.ingest(view, rowsOf(5000, (i) => ({ ...value(i * 4), x: value(i * 4).x + move }), T + day), { validate: drift(column, { method, max: 100, reference: { day: '2024-05-01' } }) })).checks, 'maxDrift').distance!;
    expect(await look(0, 'x', 'kolmogorov-smirnov')).toBeLessThan(0.02);
    expect(await look(4002, 'x', 'kolmogorov-smirnov')).toBeCloseTo(0.2, 1);
    expect(await look(0, 'x', 'psi')).toBeLessThan(0.01);
    // 400 texts are more than a day's statistics count, and no drift is told of what is not known.
    const validate = drift('code', { method: 'psi', max: 0, reference: { day: '2024-05-01' } });
    expect(outcome((await store.ingest(view, rowsOf(400, value, T + day), { validate })).checks, 'maxDrift')).toMatchObject({ status: 'insufficient', message: expect.stringContaining('more different texts') as string });
  });
});
