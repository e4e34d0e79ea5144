import { MemoryStorage, Registry, collectGarbage, compareData, gateReportMarkdown, gates, type GateDefinition, type GateReport, type RecordEvaluationOptions, type RegisterVersionOptions } from 'modelkeep';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';

const who = { by: 'tester', reason: 'because' };
const day = (n: number): string => `sha256:${String(n).repeat(64)}`;

/** Two versions of a model, the first in production. */
async function rivals(clock?: Clock): Promise<{ registry: Registry; storage: MemoryStorage }> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage, clock });
  await registry.createModel('m');
  for (const by of ['anna', 'ben']) await registry.registerVersion('m', { files: { f: by }, createdBy: by });
  await registry.promote('m@1', 'production', who);
  return { registry, storage };
}

async function judge(registry: Registry, gate: GateDefinition, ref = 'm@2'): Promise<GateReport['gates'][0]> {
  await registry.setPolicy('m', { production: [gate] });
  return (await registry.checkGates(ref, 'production')).gates[0]!;
}

const measured = (options: Partial<RecordEvaluationOptions>): RecordEvaluationOptions => ({ dataset: day(1), metrics: { n: 1 }, ...options });
const rows = (label: readonly unknown[], prediction: readonly unknown[], id?: readonly unknown[]): RecordEvaluationOptions['predictions'] => ({ label, prediction, ...(id && { id }) });
const repeated = (...parts: readonly (readonly [times: number, value: unknown])[]): unknown[] => parts.flatMap(([times, value]) => Array<unknown>(times).fill(value));

describe('a comparison of accuracy', () => {
  // Both right 812, only the candidate 41, only the incumbent 19, both wrong 128. The interval: Clopper–Pearson for 41 of 60 at 90 % by scipy 1.16, times 60 of 1000 rows.
  const label = repeated([1000, 'late']);
  const incumbent = repeated([812, 'late'], [41, 'early'], [19, 'late'], [128, 'early']);
  const candidate = repeated([812, 'late'], [41, 'late'], [19, 'early'], [128, 'early']);

  async function compared(options: Parameters<typeof gates.comparison>[1], swap = false): Promise<GateReport['gates'][0]> {
    const { registry } = await rivals();
    await registry.recordEvaluation('m@1', measured({ predictions: rows(label, swap ? candidate : incumbent) }));
    await registry.recordEvaluation('m@2', measured({ predictions: rows(label, swap ? incumbent : candidate) }));
    return judge(registry, gates.comparison('accuracy', options));
  }

  it('is decided by the rows on which they differ, with n and interval', async () => {
    const result = await compared({ demand: 'superior' });
    expect(result).toMatchObject({ passed: true, name: 'comparison accuracy', evidence: { method: 'mcnemar', n: 1000, dropped: 0, value: 0.853, other: 0.831, against: { version: 1 } } });
    expect(result.evidence['lead']).toBeCloseTo(0.022, 12);
    expect(result.evidence['low']).toBeCloseTo(0.008499550968184853, 10);
    expect(result.evidence['high']).toBeCloseTo(0.03380409734756167, 10);
    expect(result.reason).toMatch(/^accuracy 0.853 against the 0.831 of version 1 on 1000 rows of sha256:1+ is better \(lead 0.022, 90 % interval 0.0\d+ to 0.03\d+, mcnemar\)$/);
  });

  it('refuses what is worse, and lets pass what is not shown to be', async () => {
    expect(await compared({}, true)).toMatchObject({ passed: false, reason: expect.stringContaining('is worse (lead -0.022') });
    expect(await compared({ demand: 'superior' }, true)).toMatchObject({ passed: false, reason: expect.stringContaining('is not shown to be better') });
    // A difference that does not matter is allowed for, and is then judged by drawing rows anew.
    expect(await compared({ margin: 0.05 }, true)).toMatchObject({ passed: true, evidence: { method: 'bootstrap' } });
    expect(await compared({ demand: 'non-inferior', margin: 0.05 }, true)).toMatchObject({ passed: true, reason: expect.stringContaining('is not inferior by more than 0.05') });
    expect(await compared({ demand: 'non-inferior', margin: 0.025 }, true)).toMatchObject({ passed: false, reason: expect.stringContaining('is not shown to be no worse by more than 0.025') });
    expect(await compared({ demand: 'superior', margin: 0.02 })).toMatchObject({ passed: false });
  });
});

describe('a comparison of scores', () => {
  const random = seededRandom(7);
  const label = Array.from({ length: 400 }, (_, i) => i % 2 === 0);
  const score = (skill: number): number[] => label.map((truth) => Math.min(1, Math.max(0, 0.5 + (truth ? skill : -skill) + (random() - 0.5) * 0.8)));
  const [weak, strong] = [score(0.05), score(0.25)];

  it.each(['auc', 'logLoss', 'brier', 'mae', 'rmse', 'accuracy'] as const)('by %s finds the better one whichever stands where', async (metric) => {
    for (const [theirs, ours, better] of [[weak, strong, true], [strong, weak, false]] as const) {
      const { registry } = await rivals();
      const said = (scores: readonly number[]): readonly unknown[] => (metric === 'accuracy' ? scores.map((each) => each > 0.5) : scores);
      await registry.recordEvaluation('m@1', measured({ predictions: rows(label, said(theirs)) }));
      await registry.recordEvaluation('m@2', measured({ predictions: rows(label, said(ours)) }));
      expect(await judge(registry, gates.comparison(metric, { demand: 'superior' }))).toMatchObject({ passed: better });
      const result = await judge(registry, gates.comparison(metric));
      expect(result).toMatchObject({ passed: better, evidence: { n: 400, method: metric === 'auc' ? 'delong' : metric === 'accuracy' ? 'mcnemar' : 'bootstrap' } });
      expect(Math.sign(result.evidence['lead'] as number)).toBe(better ? 1 : -1);
      expect(result.evidence['low']).toBeLessThan(result.evidence['lead'] as number);
      expect(result.evidence['high']).toBeGreaterThan(result.evidence['lead'] as number);
      // The same rows and the same seed give the same verdict to the last digit.
      expect(await judge(registry, gates.comparison(metric))).toEqual(result);
    }
  });

  it('matches rows by id where there are ids, and leaves out what only one has', async () => {
    const { registry } = await rivals();
    const ids = label.map((_, i) => `row ${i}`);
    await registry.recordEvaluation('m@1', measured({ predictions: rows(label, weak, ids) }));
    await registry.recordEvaluation('m@2', measured({ predictions: rows(label.toReversed().slice(0, 300), strong.toReversed().slice(0, 300), ids.toReversed().slice(0, 300)) }));
    expect(await judge(registry, gates.comparison('auc'))).toMatchObject({ passed: true, evidence: { n: 300, dropped: 100 } });
  });

  it.each([
    ['other labels', rows(label.map((truth) => !truth), strong), 'labels differ in 400 of 400 rows'],
    ['another number of rows', rows(label.slice(1), strong.slice(1)), '399 and 400 rows and no ids'],
    ['labels of one class', rows(label.map(() => true), strong), 'labels differ'],
    ['no probabilities', rows(label, strong.map((each) => each * 7)), 'logLoss takes labels of 0 and 1 and probabilities', 'logLoss'],
    ['words', rows(label, strong.map(String)), 'is not a number', 'auc'],
  ] as const)('fails on %s, and says why', async (_what, predictions, message, metric: 'auc' | 'logLoss' = 'auc') => {
    const { registry } = await rivals();
    await registry.recordEvaluation('m@1', measured({ predictions: rows(label, weak) }));
    await registry.recordEvaluation('m@2', measured({ predictions }));
    expect(await judge(registry, gates.comparison(metric))).toMatchObject({ passed: false, reason: expect.stringContaining(message) });
  });

  it('says what to do where there is nothing to compare', async () => {
    const { registry } = await rivals();
    await registry.recordEvaluation('m@2', measured({ predictions: rows(label, strong), dataset: { digest: day(2), name: 'february' } }));
    expect(await judge(registry, gates.comparison('auc'))).toMatchObject({ passed: false, reason: expect.stringContaining('evaluate version 1 on february') });
    await registry.recordEvaluation('m@1', measured({ dataset: day(2) }));
    expect(await judge(registry, gates.comparison('auc'))).toMatchObject({ passed: false, reason: expect.stringContaining('predictions') });
    expect(await judge(registry, gates.comparison('auc', { against: 'staging' }))).toMatchObject({ passed: true, reason: expect.stringContaining('no version is in staging') });
    expect(await judge(registry, gates.comparison('auc', { against: 'm@9' }))).toMatchObject({ passed: false, reason: expect.stringContaining('version 9') });
    expect(await judge(registry, gates.comparison('auc'), 'm@1')).toMatchObject({ passed: true, reason: expect.stringContaining('is the one to compare with') });
  });

  it('keeps predictions while the version is there, reads them back, and does not trust damaged ones', async () => {
    const { registry, storage } = await rivals();
    const first = await registry.recordEvaluation('m@1', measured({ predictions: rows(label, weak) }));
    await registry.recordEvaluation('m@2', measured({ predictions: rows(label, strong) }));
    expect(first.predictions).toMatchObject({ rows: 400 });
    await collectGarbage(storage, { grace: 0 });
    await collectGarbage(storage, { grace: 0 });
    const read = (await registry.predictions((await registry.evaluations('m@1'))[0]!))!;
    expect([read.rowCount, [...(read.columns['prediction'] as Float64Array)], [...(read.columns['label'] as ArrayLike<boolean> & Iterable<boolean>)]]).toEqual([400, weak, label]);
    expect(await registry.predictions(await registry.recordEvaluation('m@1', measured({})))).toBeUndefined();
    await storage.deleteBlob(first.predictions!.digest);
    expect(await judge(registry, gates.comparison('auc'))).toMatchObject({ passed: false, reason: expect.stringContaining('are missing from memory') });
    await expect(registry.predictions(first)).rejects.toMatchObject({ code: 'integrity' });
  });

  it.each([
    [{ prediction: [1] }, "has no column 'label'"], [{ label: [1] }, "has no column 'prediction'"], [{ label: [], prediction: [] }, 'has no rows'], [{ label: [1], prediction: [1, 2] }, 'options.predictions'],
  ])('is not prepared from %j', async (predictions, message) => {
    const { registry } = await rivals();
    await expect(registry.recordEvaluation('m@1', measured({ predictions }))).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(message) });
    expect(await registry.evaluations('m@1')).toEqual([]);
  });
});

describe('a gate on the signature', () => {
  const takes = (input: z.ZodMiniType): RegisterVersionOptions => ({ files: { f: 'x' }, signature: { input, output: z.object({ score: z.number() }) } });

  it('lets nothing replace what takes more', async () => {
    const { registry } = await rivals();
    const gate = gates.signature();
    expect(await judge(registry, gate)).toMatchObject({ passed: false, reason: 'version 2 has no signature; register it with what it takes and gives' });
    const narrow = await registry.registerVersion('m', takes(z.object({ distance: z.number(), origin: z.enum(['ATL']) })));
    expect(narrow.signature).toMatchObject({ input: { type: 'row' }, output: { type: 'row' } });
    expect((await registry.getVersion('m@3')).signature).toEqual(narrow.signature);
    expect(await judge(registry, gate, 'm@3')).toMatchObject({ passed: true, reason: 'version 1 has no signature to be held to' });
    await registry.promote('m@3', 'production', who);
    await registry.registerVersion('m', takes(z.object({ distance: z.number(), origin: z.enum(['ATL', 'JFK']) })));
    expect(await judge(registry, gate, 'm@4')).toMatchObject({ passed: true, reason: 'takes and gives what version 3 does' });
    expect(await judge(registry, gates.signature({ against: 'm@4' }), 'm@3')).toMatchObject({
      passed: false,
      reason: expect.stringMatching(/^cannot take the place of version 4: input\.origin /),
      evidence: { differences: [{ path: 'input.origin' }] },
    });
    expect(await judge(registry, gates.signature({ against: 'staging' }), 'm@3')).toMatchObject({ passed: true, reason: expect.stringContaining('no version is in staging') });
    expect(await judge(registry, gates.signature({ against: 'm@9' }), 'm@3')).toMatchObject({ passed: false });
    await expect(registry.registerVersion('m', { files: { f: 'x' }, signature: { input: z.object({ f: z.function() }) } })).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('a gate on slices', () => {
  it('lets no segment fall below its bar', async () => {
    const { registry } = await rivals();
    const gate = gates.slices('auc', { goal: 'maximize', bar: 0.7, bars: { 'country=FR': 0.6, 'country=DE': 0.8 } });
    expect(await judge(registry, gate)).toMatchObject({ passed: false, reason: 'auc was never measured by slices; record an evaluation that has them' });
    await registry.recordEvaluation('m@2', measured({ slices: { 'country=FR': { auc: 0.61 }, 'country=DE': { auc: 0.8 }, 'country=IT': { auc: 0.7, loss: 1 } } }));
    expect(await judge(registry, gate)).toMatchObject({ passed: true, reason: 'auc holds its bar in all 3 slices', evidence: { slices: { 'country=FR': 0.61 } } });
    await registry.recordEvaluation('m@2', measured({ metrics: { auc: 0.9 } }));
    expect((await judge(registry, gate)).passed).toBe(true);
    await registry.recordEvaluation('m@2', measured({ slices: { 'country=FR': { auc: 0.59 }, 'country=IT': { auc: NaN } } }));
    expect(await judge(registry, gate)).toMatchObject({
      passed: false,
      reason: 'auc of country=FR is 0.59, below 0.6; auc of country=IT is NaN, which is no measurement; auc of country=DE was not measured',
      evidence: { failed: [{ slice: 'country=FR', value: 0.59, bar: 0.6 }, { slice: 'country=IT', value: NaN, bar: 0.7 }], missing: ['country=DE'] },
    });
    const loss = gates.slices('loss', { goal: 'minimize', bar: 2 });
    expect(await judge(registry, loss)).toMatchObject({ passed: true, reason: 'loss holds its bar in the slice' });
    await registry.recordEvaluation('m@2', measured({ slices: { a: { loss: 3 } } }));
    expect(await judge(registry, loss)).toMatchObject({ passed: false, reason: 'loss of a is 3, above 2' });
  });
});

describe('a gate on freshness', () => {
  it('asks how old the version is, and what was measured of it', async () => {
    let now = 1_700_000_000_000;
    const { registry } = await rivals({ ...systemClock, now: () => now });
    const gate = gates.freshness({ maxAge: '30d', evaluatedWithin: '12h' });
    expect(await judge(registry, gate)).toMatchObject({ passed: false, reason: 'it was never evaluated; record an evaluation' });
    await registry.recordEvaluation('m@2', measured({}));
    now += 12 * 3_600_000;
    expect(await judge(registry, gate)).toMatchObject({ passed: true, reason: 'the version is 12 h old, at most 30 d; its newest evaluation is 12 h old, at most 12 h' });
    now += 1;
    expect((await judge(registry, gate)).passed).toBe(false);
    now += 30 * 86_400_000;
    await registry.recordEvaluation('m@2', measured({}));
    expect(await judge(registry, gate)).toMatchObject({ passed: false, reason: 'the version is 30.5 d old, more than 30 d' });
  });
});

describe('a gate on approvals', () => {
  it('counts people, and not whoever made the version', async () => {
    const { registry } = await rivals();
    const gate = gates.approvals(2, { notBy: 'author' });
    await registry.approve('m@2', { by: 'ben', reason: 'mine' });
    await registry.approve('m@2', { by: 'carl', reason: 'reviewed' });
    await registry.approve('m@2', { by: 'carl', reason: 'again' });
    expect(await judge(registry, gate)).toMatchObject({ name: '2 approvals', passed: false, reason: '1 of 2 approvals ("carl"); that of "ben" does not count; approve with registry.approve()' });
    expect((await judge(registry, gates.approvals(2))).passed).toBe(true);
    await registry.approve('m@2', { by: 'dora', reason: 'reviewed' });
    expect(await judge(registry, gate)).toMatchObject({ passed: true, reason: 'approved by "carl", "dora"', evidence: { author: 'ben', approvals: [{ by: 'carl', reason: 'reviewed' }, { by: 'dora' }] } });
    expect((await judge(registry, gates.approvals(1, { by: ['eve', 'dora'] }))).passed).toBe(true);
    await registry.withdrawApproval('m@2', { by: 'dora', reason: 'found a leak' });
    expect((await judge(registry, gate)).passed).toBe(false);
    await registry.registerVersion('m', { files: { f: 'unknown author' } });
    await registry.approve('m@3', { by: 'carl', reason: 'reviewed' });
    expect(await judge(registry, gates.approvals(1, { notBy: 'author' }), 'm@3')).toMatchObject({ passed: false, reason: expect.stringContaining('register versions with createdBy') });
  });
});

describe('a gate on drift', () => {
  const base = Array.from({ length: 500 }, (_, i) => (i * 7919) % 500);
  const training = { a: base, b: base };

  it('goes by the newest comparison of data that was recorded', async () => {
    const { registry } = await rivals();
    const moved = { a: base.map((value) => value + 400), b: base };
    expect(await judge(registry, gates.drift())).toMatchObject({ passed: false, reason: expect.stringContaining('no evaluation tells whether its data drifted') });
    await registry.recordEvaluation('m@2', measured({ drift: compareData(training, training) }));
    expect(await judge(registry, gates.drift())).toMatchObject({ passed: true, reason: '0 of 2 columns drifted' });
    await registry.recordEvaluation('m@2', measured({ drift: compareData(training, moved) }));
    expect(await judge(registry, gates.drift())).toMatchObject({ passed: false, reason: '1 of 2 columns drifted (a)', evidence: { drifted: ['a'] } });
    expect((await judge(registry, gates.drift({ maxShare: 0.5 }))).passed).toBe(true);
    await registry.recordEvaluation('m@2', measured({ drift: compareData(training, { a: [1], b: [2] }) }));
    expect(await judge(registry, gates.drift({ maxShare: 1 }))).toMatchObject({ passed: false, reason: expect.stringContaining('too little data') });
    await expect(registry.recordEvaluation('m@2', measured({ drift: { drifted: false } as never }))).rejects.toMatchObject({ code: 'validation', details: { path: 'options.drift.status' } });
  });
});

describe('a gate on signing', () => {
  const pair = (): { privateKey: string; publicKey: string } =>
    generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });

  it('asks for the signature of a known key over the files of the version', async () => {
    const { registry } = await rivals();
    const [known, other] = [pair(), pair()];
    const gate = gates.signed({ publicKey: known.publicKey });
    expect(await judge(registry, gate)).toMatchObject({ passed: false, reason: expect.stringContaining('it has no signature') });
    await registry.sign('m@2', { privateKey: other.privateKey, publicKey: other.publicKey, ...who });
    expect(await judge(registry, gate)).toMatchObject({ passed: false, reason: expect.stringContaining('made with other keys') });
    await registry.sign('m@2', { privateKey: known.privateKey, publicKey: known.publicKey, by: 'ci', reason: 'release' });
    expect(await judge(registry, gate)).toMatchObject({ passed: true, reason: expect.stringMatching(/^signed with the key [0-9a-f]{12}…$/), evidence: { by: 'ci', files: 1 } });
    expect(await judge(registry, gate, 'm@1')).toMatchObject({ passed: false });
    expect(await judge(registry, gates.signed({ publicKey: 'no key' }))).toMatchObject({ passed: false });
    expect(() => gates.signed({} as never)).toThrow('gates.signed.publicKey');
  });
});

describe('a report as Markdown', () => {
  it('has a line for each gate, and no text that breaks out of it', async () => {
    const { registry } = await rivals();
    await registry.setPolicy('m', { production: [gates.approvals(1, { by: ['a|b <img src=x>\n@all'] }), gates.integrity(), gates.custom('x`y`')] });
    await registry.approve('m@2', { by: '*carl*', reason: 'x' });
    const report = await registry.checkGates('m@2', 'production');
    expect(gateReportMarkdown(report)).toBe(
      [
        '### m@2 may not go to production', '', '| | gate | what it found |', '|---|---|---|',
        '| ❌ failed | 1 approval | 0 of 1 approvals; that of "\\*carl\\*" does not count; approve with registry.approve() |',
        '| ✅ passed | integrity | the file has the bytes that were registered |',
        '| ❌ failed | custom x\\`y\\` | this process has no gate "x\\`y\\`"; give its function to the Registry\'s gates option |',
        '',
      ].join('\n'),
    );
    expect(gateReportMarkdown({ model: 'a <b>|@you', version: 1, stage: 'staging', passed: true, gates: [] })).toBe('### a &lt;b&gt;\\|@\u200byou@1 may go to staging\n\nNo gate stands before staging.\n');
  });
});

describe('gates that make no sense', () => {
  it.each<[string, () => unknown, string]>([
    ['a comparison of nothing known', () => gates.comparison('f1' as never), 'gates.comparison.metric must be one of'],
    ['non-inferiority without a margin', () => gates.comparison('auc', { demand: 'non-inferior' }), 'without a margin'],
    ['a negative margin', () => gates.comparison('auc', { margin: -1 }), 'gates.comparison.margin'],
    ['an option of another name', () => gates.comparison('auc', { tolerance: 1 } as never), 'gates.comparison has unknown options: tolerance'],
    ['a certainty that is none', () => gates.comparison('auc', { alpha: 1 }), 'gates.comparison.alpha'],
    ['slices without a bar', () => gates.slices('auc', { goal: 'maximize' }), 'asks for nothing'],
    ['freshness of nothing', () => gates.freshness({}), 'asks for nothing'],
    ['freshness by no duration', () => gates.freshness({ maxAge: 'soon' as never }), 'gates.freshness.maxAge is "soon"'],
    ['no approval', () => gates.approvals(0), 'gates.approvals.count'],
    ['more approvals than people', () => gates.approvals(2, { by: ['a', 'a'] }), 'can never pass'],
    ['a share that is none', () => gates.drift({ maxShare: 2 }), 'gates.drift.maxShare'],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(message);
  });

  it('cannot be made into another kind by an option', () => {
    expect(gates.drift({ gate: 'integrity' } as never)).toEqual({ gate: 'drift', maxShare: 0 });
  });
});
