import { assessMaturity, maturityReports, MemoryStorage, Registry, type MaturityCheck, type MaturityCheckId, type MaturityReport, type MaturityStatus } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import { ManualClock } from '../pipelines/manual-clock.ts';
import { automatedStory, closedLoopStory, day, model, tampered, trackedStory, type Story } from './story.ts';

const assessed = ({ storage, clock }: Pick<Story, 'storage' | 'clock'>, options: Partial<Parameters<typeof assessMaturity>[0]> = {}): Promise<MaturityReport> => assessMaturity({ storage, clock, ...options });

function checkOf(report: MaturityReport, id: MaturityCheckId): MaturityCheck {
  return report.models[0]!.checks.find((check) => check.id === id)!;
}

/** The checks up to a level that keep the model from it. */
function openUpTo(report: MaturityReport, level: number): string[] {
  return report.models[0]!.checks.filter((check) => check.level <= level && check.status !== 'pass' && check.status !== 'n/a').map(({ id, status }) => `${id} ${status}`);
}

describe('the level', () => {
  it('is 0 without a model in production, and for one that nothing is recorded of', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    expect(await assessed({ storage, clock }, { store: false })).toMatchObject({ level: 0, models: [], project: { models: 0, google: '0', microsoft: '0–1', reason: 'No model is in production.' } });
    const registry = new Registry({ storage, clock });
    await registry.createModel('bare');
    await registry.registerVersion('bare', { files: { 'model.json': '{}' } });
    expect((await assessed({ storage, clock }, { store: false })).models).toEqual([]);
    await registry.promote('bare@1', 'production', { by: 'ada', reason: 'the first' });
    const report = await assessed({ storage, clock });
    expect(report).toMatchObject({ level: 0, project: { levels: [1, 0, 0, 0], complete: true }, models: [{ model: 'bare', version: 1, level: 0 }] });
    const statuses = report.models[0]!.checks.map(({ id, status }) => `${id} ${status}`);
    expect(statuses).toEqual([
      'T1 unknown', 'T2 unknown', 'T3 unknown', 'T4 unknown', 'T5 fail', 'T6 fail', 'T7 pass', 'T8 n/a',
      'A1 unknown', 'A2 unknown', 'A3 unknown', 'A4 unknown', 'A5 fail', 'A6 n/a', 'A7 fail', 'A8 unknown', 'A9 unknown',
      'C1 unknown', 'C2 unknown', 'C3 unknown', 'C4 unknown', 'C5 fail', 'C6 n/a', 'C7 unknown', 'C8 fail', 'C9 unknown',
    ]);
    // Whatever does not pass says what to do, or that there is nothing to be done about.
    for (const { status, fix, reason } of report.models[0]!.checks) expect([reason !== '', fix !== undefined]).toEqual([true, status === 'fail' || status === 'unknown']);
    expect(report.models[0]!.nextFix).toMatchObject({ level: 1, effort: 1 });
  });

  it('is 1 for what is tracked and can be made again, with the next cheapest fix', async () => {
    const report = await assessed(await trackedStory());
    expect(openUpTo(report, 1)).toEqual([]);
    expect(report).toMatchObject({ level: 1, project: { google: '0+', microsoft: '1–2' } });
    const efforts = report.models[0]!.checks.filter(({ level, status }) => level === 2 && (status === 'fail' || status === 'unknown')).map(({ effort }) => effort);
    expect(report.models[0]!.nextFix).toMatchObject({ model, level: 2, effort: Math.min(...efforts) });
  });

  it('is 2 for what a pipeline makes and gates let through', async () => {
    const report = await assessed(await automatedStory());
    expect(openUpTo(report, 2)).toEqual([]);
    expect(report).toMatchObject({ level: 2, project: { google: '1', microsoft: '2–3' } });
  });

  it('is 3 in a closed loop, and nothing is left to mend', async () => {
    const report = await assessed(await closedLoopStory());
    expect(openUpTo(report, 3)).toEqual([]);
    expect(report).toMatchObject({ level: 3, project: { google: '2', microsoft: '4' }, damaged: [] });
    expect([report.project.nextFix, report.models[0]!.nextFix]).toEqual([undefined, undefined]);
    expect(checkOf(report, 'C3')).toMatchObject({ unit: 'milliseconds', value: expect.any(Number) as number, evidence: [{ kind: 'pipeline-run' }, { kind: 'pipeline-run' }] });
  });
});

describe('each check finds on its own', () => {
  const cases: [MaturityCheckId, MaturityStatus, RegExp][] = [
    ['T1', 'fail', /^5 of 7 training runs finished, failed or were ended\.$/],
    ['T2', 'fail', /^0 of 7 training runs that finished have params and metrics\.$/],
    ['T3', 'fail', /^0 of 7 training runs have a commit without changes, the runtime, a lockfile and a seed\.$/],
    ['T4', 'fail', /^0 of 7 training runs that finished name a dataset by its fingerprint\.$/],
    ['T5', 'fail', /^1 of 2 versions name a run that is there\.$/],
    ['T6', 'fail', /^Version 2 has no signature of what it takes and gives\.$/],
    ['A1', 'fail', /^11 of 16 training runs belong to the run of a pipeline\.$/],
    ['A2', 'fail', /was started by a schedule or a trigger\.$/],
    ['A3', 'fail', /^No checks were run on what came into view 'delays' before the training\.$/],
    ['A4', 'fail', /version 2 has no dataset on which it and version 1 were both measured\.$/],
    ['A5', 'unknown', /^Gates stand before production, and no record says that one ever refused anything\.$/],
    ['A6', 'fail', /^What was served last is flights_v1@2, and version 2 was trained on flights_v1@1\.$/],
    ['A7', 'fail', /^Of version 2 it is not recorded, or not kept: the commit of the code\.$/],
    ['A8', 'fail', /^Of run .* it is not recorded: how step 'report' ended \(it is cancelled\)\.$/],
    ['A9', 'fail', /^1 of 1 cached outputs that were made again came out otherwise, such as that of step 'ingest'\.$/],
    ['C1', 'fail', /^Monitor 'flight-delay' gave its last verdict 3 days ago, which is 2\.5\d of its intervals\.$/],
    ['C2', 'fail', /^20 of 200 predictions have a label, and the metric is known in 1 of 1 periods\.$/],
    ['C3', 'fail', /^2 alerts in the window, 2 runs of pipelines started by alerts, 0 decided\.$/],
    ['C4', 'fail', /^Version \d was promoted by ada without a canary or a test\.$/],
    ['C5', 'fail', /^Nobody has gone back to an earlier version in that time\.$/],
    ['C6', 'fail', /^'delays' is \d+ (?:hours|days) old, of at most 60 minutes\.$/],
    ['C7', 'fail', /^1 of 1 changes of definitions had no run of the continuous integration that succeeded first, such as that of 'retrain'\.$/],
    ['C8', 'fail', /^Version \d lacks a signature of a key\.$/],
    ['C9', 'fail', /^1 critical alert is open for longer than 24 hours, the oldest for \d+ hours\.$/],
  ];
  it.each(cases)('%s: %s', async (id, status, reason) => {
    const level = id.startsWith('T') ? 1 : id.startsWith('A') ? 2 : 3;
    const story = await [trackedStory, automatedStory, closedLoopStory][level - 1]!(id);
    const report = await assessed(story, { store: false });
    expect(openUpTo(report, level)).toEqual([`${id} ${status}`]);
    expect(report.level).toBe(level - 1);
    expect(checkOf(report, id)).toMatchObject({ status, reason: expect.stringMatching(reason) as string, fix: expect.stringMatching(/.{20}/) as string });
    expect(report.project.nextFix).toMatchObject({ check: id, model, level });
  });

  it('T7: a change of a stage that says not who made it', async () => {
    const { storage, clock } = await trackedStory();
    const nameless = tampered(storage, {
      async *readLog(key, query) {
        for await (const entry of storage.readLog(key, query)) {
          if (!key.startsWith('registry/')) yield entry;
          else {
            const { by: _, ...event } = decode(entry.bytes, key) as { by?: string; type: string };
            yield { ...entry, bytes: encode(event.type === 'stage-changed' ? event : { ...event, by: _ }) };
          }
        }
      },
    });
    const report = await assessed({ storage: nameless, clock });
    expect(openUpTo(report, 1)).toEqual(['T7 fail']);
    expect(checkOf(report, 'T7')).toMatchObject({ value: 0, evidenceTotal: 2, evidence: [{ kind: 'model-version', id: model, version: 1 }, { version: 2 }] });
  });

  it('A5: a promotion that gates refused is enough', async () => {
    const { storage, clock, registry } = await automatedStory('A5');
    await registry.registerVersion(model, { files: { 'model.json': 'bad' }, metrics: { auc: 0.2 } });
    await expect(registry.promote(`${model}@3`, 'production', { by: 'ada', reason: 'a drill' })).rejects.toMatchObject({ code: 'gate' });
    expect(checkOf(await assessed({ storage, clock }, { store: false }), 'A5')).toMatchObject({ status: 'pass', value: 1, reason: 'Gates refused 1 time: 1 before a stage, 0 in rollouts, 0 in pipelines.', evidence: [{ kind: 'model-version', id: model, version: 3 }] });
    clock.jump(91 * day);
    expect(checkOf(await assessed({ storage, clock }, { store: false }), 'A5')).toMatchObject({ status: 'unknown', value: 0 });
  });

  it('C3: of the runs that alerts started too few were decided on in their time, until gates refuse what one of them made', async () => {
    const { storage, clock, registry } = await closedLoopStory();
    clock.jump(8 * day);
    const late = checkOf(await assessed({ storage, clock }, { store: false }), 'C3');
    expect(late).toMatchObject({ status: 'fail', reason: '2 alerts in the window, 2 runs of pipelines started by alerts, 1 decided; 1 ended without a decision more than 7 days ago, and of 2 it must be 80 %.', evidenceTotal: 1 });
    for (const policy of [{ decidedRuns: 0.5 }, { decidedWithin: '10d' }] as const) expect(checkOf(await assessed({ storage, clock }, { store: false, policy }), 'C3').status).toBe('pass');
    const made = (await registry.listVersions(model)).items.find(({ pipelineRun }) => pipelineRun === late.evidence[0]!.id)!;
    await expect(registry.promote(`${model}@${made.version}`, 'production', { by: 'ada', reason: 'late' })).rejects.toMatchObject({ code: 'gate' });
    expect(checkOf(await assessed({ storage, clock }, { store: false }), 'C3')).toMatchObject({ status: 'pass', reason: expect.stringContaining('2 decided') as string });
  });

  it('T8: the files of the version before are gone', async () => {
    const { storage, clock, registry } = await trackedStory();
    const { digest } = (await registry.getVersion(`${model}@1`)).files[0]!;
    const report = await assessed({ clock, storage: tampered(storage, { readBlob: async (wanted, options) => (wanted === digest ? undefined : storage.readBlob(wanted, options)) }) });
    expect(openUpTo(report, 1)).toEqual(['T8 fail']);
    expect(checkOf(report, 'T8').reason).toMatch(/^Version 1 cannot be gone back to: /);
    expect(report.damaged).toMatchObject([{ what: "version 1 of model 'flight-delay'" }]);
  });
});

describe('a report', () => {
  it('is stored for the trend, and not with store: false', async () => {
    const { storage, clock } = await trackedStory();
    await assessed({ storage, clock }, { store: false });
    expect((await maturityReports({ storage })).items).toEqual([]);
    const first = await assessed({ storage, clock });
    clock.jump(day);
    const second = await assessed({ storage, clock }, { policy: { minSamples: 8 } });
    expect(second.trend).toEqual([{ id: first.id, at: first.assessedAt, level: 1, levels: [0, 1, 0, 0], passed: expect.any(Number) as number, policy: first.policy }]);
    expect([first.policyVersion, second.policyVersion, first.policy === second.policy, second.level]).toEqual(['1', 'custom', false, 0]);
    const page = await maturityReports({ storage, limit: 1 });
    expect([page.items, page.damaged]).toEqual([[second], []]);
    const rest = await maturityReports({ storage, limit: 1, after: page.next });
    expect([rest.items, rest.next]).toEqual([[first], undefined]);
    await expect(maturityReports({ storage, after: 'no' })).rejects.toThrow(/^options\.after is "?'?no/);
  });

  it('shows what was declared apart from what was measured, and what has expired', async () => {
    const { storage, clock } = await trackedStory();
    const attestations = [
      { statement: 'Somebody is on call.', author: 'ada', expiresAt: clock.now() + 1 },
      { statement: 'The service has tests.', author: 'bert', expiresAt: clock.now(), model },
    ];
    const [without, declared] = [await assessed({ storage, clock }, { store: false }), await assessed({ storage, clock }, { store: false, attestations })];
    expect(declared.attestations.map(({ author, status }) => [author, status])).toEqual([['ada', 'valid'], ['bert', 'expired']]);
    expect(declared.models).toEqual(without.models);
  });

  it('looks back no further than the window, and judges no share of too few', async () => {
    const { storage, clock } = await trackedStory();
    clock.jump(100 * day);
    const late = await assessed({ storage, clock }, { store: false });
    expect(checkOf(late, 'T1')).toMatchObject({ status: 'unknown', reason: '0 of 0 training runs finished, failed or were ended; a share is judged from 5 on.', threshold: 0.95, fix: expect.stringContaining("window: '365d'") as string });
    expect(checkOf(late, 'T6')).toMatchObject({ status: 'fail', fix: expect.stringContaining('verify: true') as string });
    expect(checkOf(await assessed({ storage, clock }, { store: false, window: '200d' }), 'T1')).toMatchObject({ status: 'pass' });
  });

  it('reads the files of versions in production when it is told to, and remembers that', async () => {
    const { storage, clock, registry } = await trackedStory();
    clock.jump(40 * day);
    const verified = await assessed({ storage, clock }, { verify: true });
    expect(verified.verified).toEqual([{ model, version: 2, digest: (await registry.getVersion(`${model}@2`)).digest, at: clock.now() }]);
    clock.jump(29 * day);
    expect(checkOf(await assessed({ storage, clock }), 'T6')).toMatchObject({ status: 'pass', value: 29 * day, threshold: 30 * day });
    clock.jump(2 * day);
    expect(checkOf(await assessed({ storage, clock }), 'T6')).toMatchObject({ status: 'fail', value: 31 * day });
  });

  it('names no more evidence than the policy wants, with how much there is', async () => {
    const report = await assessed(await trackedStory('T3'), { policy: { maxEvidence: 2 } });
    expect(checkOf(report, 'T3')).toMatchObject({ evidence: [{ kind: 'run' }, { kind: 'run' }], evidenceTotal: 7, fix: expect.stringContaining('a tree without changes (7)') as string });
  });
});

describe('damage', () => {
  it('of what one check needs hides nothing else', async () => {
    const { storage, clock } = await closedLoopStory();
    const whole = await assessed({ storage, clock }, { store: false });
    await storage.write([{ kind: 'put', key: `monitors/${model}`, bytes: new Uint8Array([0]) }]);
    const report = await assessed({ storage, clock }, { store: false });
    const changed = report.models[0]!.checks.filter((check, i) => check.status !== whole.models[0]!.checks[i]!.status).map(({ id, status }) => `${id} ${status}`);
    expect(changed).toEqual(['C1 unknown', 'C2 unknown', 'C3 unknown', 'C9 unknown']);
    expect(report.damaged).toMatchObject([{ what: `records of model '${model}'`, message: expect.stringContaining(`monitors/${model}`) as string }]);
  });

  it('of a run, a model or a report is told, and the others are judged', async () => {
    const { storage, clock, registry } = await trackedStory();
    await assessed({ storage, clock });
    await registry.createModel('broken');
    const keys = (await storage.list({ prefix: 'maturity/' })).entries.map(({ key }) => key);
    const run = (await storage.list({ prefix: 'tracking/runs/' })).entries.at(-1)!.key;
    for (const key of ['registry/models/broken', run, ...keys]) await storage.write([{ kind: 'put', key, bytes: new Uint8Array([1, 2]) }]);
    const report = await assessed({ storage, clock });
    expect(report).toMatchObject({ level: 1, project: { complete: false, models: 1 }, trend: [] });
    expect(checkOf(report, 'T1').reason).toMatch(/^6 of 6 training runs/);
    expect(report.damaged.map(({ what }) => what.replace(/[0-9a-f-]{36}/, 'ID'))).toEqual(['maturity report ID', "model 'broken'", 'run ID']);
    expect((await maturityReports({ storage })).damaged).toHaveLength(1);
  });

  it('that is none is thrown: a store that cannot be reached, a signal', async () => {
    const { storage, clock } = await trackedStory();
    await expect(assessed({ clock, storage: tampered(storage, { list: () => Promise.reject(new Error('unplugged')) }) })).rejects.toThrow('unplugged');
    await expect(assessed({ storage, clock }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect((await maturityReports({ storage })).items).toEqual([]);
  });
});

describe('the policy', () => {
  it('moves thresholds, efforts and what is required', async () => {
    const story = await trackedStory('T1');
    expect((await assessed(story, { policy: { endedRuns: 0.6 } })).level).toBe(1);
    const optional = await assessed(story, { policy: { optional: ['T1'], version: 'ours/3', efforts: { A9: 0.5 } } });
    expect(optional).toMatchObject({ level: 1, policyVersion: 'ours/3' });
    expect(checkOf(optional, 'T1')).toMatchObject({ status: 'fail', required: false });
    // Its fix comes after that of A1.
    expect(checkOf(optional, 'A9').effort).toBe(5.5);
  });

  it('says which runs train a model, and what else belongs to it', async () => {
    const { storage, clock } = await closedLoopStory();
    const report = await assessed({ storage, clock }, { policy: { trainingRuns: "params.seed = '1'", links: { [model]: { monitors: ['elsewhere'], pipelines: ['gone'] } } } });
    expect(checkOf(report, 'T1').reason).toMatch(/^2 of 2 training runs/);
    expect([checkOf(report, 'C1').reason, checkOf(report, 'A2').reason]).toEqual(["There is no monitor 'elsewhere' in the store.", 'None of the pipelines gone is in the store.']);
  });

  it('is checked strictly, like all options', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    const wrong: [object, RegExp][] = [
      [{ policy: { endedRun: 1 } }, /^options\.policy has unknown options: endedRun\.$/],
      [{ policy: { endedRuns: 1.5 } }, /^options\.policy\.endedRuns must be at most 1\.$/],
      [{ policy: { verifiedWithin: '30 days' } }, /^options\.policy\.verifiedWithin is /],
      [{ policy: { optional: ['T9'] } }, /^options\.policy\.optional\[0\] must be one of "T1"/],
      [{ policy: { efforts: { Z1: 1 } } }, /^options\.policy\.efforts has unknown options: Z1\.$/],
      [{ policy: { links: { a: { monitor: ['a'] } } } }, /^options\.policy\.links\.a has unknown options: monitor\.$/],
      [{ policy: { trainingRuns: 'params. = 1' } }, /./],
      [{ policy: { trainingRuns: "datasets.name = 'x'" } }, /^options\.policy\.trainingRuns asks about datasets/],
      [{ window: '3 weeks' }, /^options\.window is /],
      [{ attestations: [{ statement: 'x', author: 'y' }] }, /^options\.attestations\[0\]\.expiresAt is missing; it must be a number\.$/],
      [{ level: 3 }, /^options has unknown options: level\.$/],
      [{ models: ['nothing'] }, /nothing/],
    ];
    for (const [options, message] of wrong) await expect(assessed({ storage, clock }, options), JSON.stringify(options)).rejects.toThrow(message);
    await new Registry({ storage, clock }).createModel('draft');
    await expect(assessed({ storage, clock }, { models: ['draft'] })).rejects.toMatchObject({ code: 'not-found', message: expect.stringMatching(/^No version of model 'draft' is in production/) as string });
  });

  it('tells how far it has come', async () => {
    const { storage, clock } = await trackedStory();
    const told: string[] = [];
    await assessed({ storage, clock }, { models: [model], onProgress: ({ phase, done, total }) => told.push(`${phase} ${done}/${total}`) });
    expect(told).toEqual([`assessing ${model} 0/1`, 'assessed 1/1']);
  });
});
