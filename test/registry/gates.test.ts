import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, gates, isModelkeepError, type GateFunction, type GateReport, type MetricGateOptions } from 'modelkeep';
import { systemClock, type Clock } from '../../src/core/clock.ts';

const who = { by: 'tester', reason: 'because' };
const day = (n: number): string => `sha256:${String(n).repeat(64)}`;

async function setup(functions: Record<string, GateFunction> = {}, clock?: Clock): Promise<{ storage: MemoryStorage; registry: Registry }> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage, gates: functions, clock });
  await registry.createModel('m');
  return { storage, registry };
}

async function register(registry: Registry, metrics?: Record<string, number>, dataset?: string): Promise<void> {
  await registry.registerVersion('m', { files: { f: 'contents' }, metrics, dataset });
}

/** Reports on auc for the last of some versions, given what was measured of each; the first is in production. */
async function verdict(options: Partial<MetricGateOptions>, evaluations: readonly (readonly [version: number, dataset: string, auc: number])[]): Promise<GateReport['gates'][0]> {
  const { registry } = await setup();
  await register(registry);
  await register(registry);
  await registry.promote('m@1', 'production', who);
  await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', ...options })] });
  for (const [version, dataset, auc] of evaluations) await registry.recordEvaluation(`m@${version}`, { dataset, metrics: { auc } });
  const report = await registry.checkGates('m@2', 'production');
  expect(report).toMatchObject({ model: 'm', version: 2, stage: 'production', passed: report.gates[0]!.passed });
  expect(report.gates).toHaveLength(1);
  return report.gates[0]!;
}

describe('a metric gate with bounds', () => {
  it.each([
    [{ min: 0.75 }, 0.75, true, 'auc is 0.75, at least 0.75'],
    [{ min: 0.75 }, 0.7499, false, 'auc is 0.7499, below 0.75'],
    [{ min: 0.75 }, 0.6342457702797719, false, 'auc is 0.6342, below 0.75'],
    [{ min: 0.75 }, 0.7499999, false, 'auc is 0.7499999, below 0.75'],
    [{ max: 0.1 }, 0.2, false, 'auc is 0.2, above 0.1'],
    [{ min: 0, max: 1 }, 0.5, true, 'auc is 0.5, at least 0 and at most 1'],
    [{ min: 0 }, NaN, false, 'auc is NaN, which is no measurement'],
    [{ max: 0 }, NaN, false, 'auc is NaN, which is no measurement'],
    [{ min: 0 }, Infinity, false, 'auc is Infinity, which is no measurement'],
    [{ max: 0 }, -Infinity, false, 'auc is -Infinity, which is no measurement'],
  ])('%j of %d: %s', async (options, auc, passed, reason) => {
    expect(await verdict(options, [[2, day(1), auc]])).toMatchObject({ gate: 'metric', name: 'metric auc', passed, reason, evidence: { value: auc } });
  });

  it('looks at the newest evaluation and names it', async () => {
    const result = await verdict({ min: 0.75 }, [[2, day(1), 0.9], [2, day(2), 0.6]]);
    expect(result).toMatchObject({ passed: false, evidence: { value: 0.6, dataset: { digest: day(2) }, evaluation: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
  });

  it('goes by what was registered while nothing was evaluated, and says so', async () => {
    const { registry } = await setup();
    await register(registry, { auc: 0.8 });
    await registry.setPolicy('m', { staging: [gates.metric('auc', { goal: 'maximize', min: 0.75 })] });
    expect((await registry.checkGates('m@1', 'staging')).gates[0]).toMatchObject({ passed: true, reason: 'auc is 0.8 as registered, at least 0.75' });
  });

  it('fails when the metric was never measured', async () => {
    expect(await verdict({ min: 0.75 }, [])).toMatchObject({ passed: false, reason: expect.stringContaining('never measured') });
  });
});

describe('a metric gate that compares', () => {
  it.each([
    ['better', 0.8, 0.83, {}, true],
    ['equal', 0.8, 0.8, {}, true],
    ['worse', 0.8, 0.79, {}, false],
    ['worse within the tolerance', 0.8, 0.79, { tolerance: 0.02 }, true],
    ['worse by just the tolerance, but for rounding', 0.8, 0.7, { tolerance: 0.1 }, true],
    ['worse by more than the tolerance', 0.8, 0.77, { tolerance: 0.02 }, false],
    ['lower where lower is better', 0.8, 0.7, { goal: 'minimize' }, true],
    ['higher where lower is better', 0.7, 0.8, { goal: 'minimize' }, false],
    ['NaN', 0.7, NaN, {}, false],
    ['against NaN', NaN, 0.7, {}, false],
    ['minus infinity', Infinity, -Infinity, {}, false],
    ['equal infinities', Infinity, Infinity, {}, false],
    ['infinity', 0.7, Infinity, {}, false],
  ] as const)('with production: %s', async (_name, incumbent, candidate, options, passed) => {
    const result = await verdict({ notWorseThan: 'production', ...options }, [[1, day(1), incumbent], [2, day(1), candidate]]);
    expect(result).toMatchObject({ passed, evidence: { compared: candidate, against: { version: 1, value: incumbent } } });
  });

  it('tells what it saw', async () => {
    const result = await verdict({ notWorseThan: 'production', tolerance: 0.005 }, [[1, day(1), 0.82], [2, day(1), 0.8]]);
    expect(result.reason).toBe(`auc 0.8 is worse than the 0.82 of version 1 on ${day(1)} (tolerance 0.005)`);
  });

  it('takes the newest dataset that both were measured on, and old data measured again does not become new', async () => {
    const both = await verdict({ notWorseThan: 'production' }, [[1, day(1), 0.9], [1, day(2), 0.7], [1, day(3), 0.99], [2, day(2), 0.8], [2, day(1), 0.5]]);
    expect(both).toMatchObject({ passed: true, evidence: { comparedDataset: { digest: day(2) }, compared: 0.8, against: { value: 0.7 } } });
  });

  it('takes the newest of several measurements on that dataset', async () => {
    const result = await verdict({ notWorseThan: 'production' }, [[1, day(1), 0.9], [2, day(1), 0.95], [1, day(1), 0.6], [2, day(1), 0.7]]);
    expect(result).toMatchObject({ passed: true, evidence: { compared: 0.7, against: { value: 0.6 } } });
  });

  it('fails without a common dataset, and says what to do', async () => {
    const result = await verdict({ notWorseThan: 'production' }, [[1, day(1), 0.9], [2, day(2), 0.95]]);
    expect(result).toMatchObject({ passed: false, reason: expect.stringContaining(`evaluate version 1 on ${day(2)}`) });
    expect(await verdict({ notWorseThan: 'production' }, [])).toMatchObject({ passed: false, reason: expect.stringContaining('evaluate both on one dataset') });
  });

  it('passes the first version of a model, and says that there is no incumbent', async () => {
    const { registry } = await setup();
    await register(registry, { auc: 0.8 });
    await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', min: 0.5, notWorseThan: 'production' })] });
    const report = await registry.checkGates('m@1', 'production');
    expect(report.gates[0]).toMatchObject({ passed: true, reason: 'auc is 0.8 as registered, at least 0.5; no version is in production, so there is none to be worse than' });
    await registry.promote('m@1', 'production', who);
    expect((await registry.checkGates('m@1', 'production')).gates[0]).toMatchObject({ passed: true, reason: expect.stringContaining('version 1 is the one to compare with') });
  });

  it('counts what was measured at registration when its dataset is known', async () => {
    const { registry } = await setup();
    await register(registry, { auc: 0.8 }, day(1));
    await register(registry, { auc: 0.7 }, day(1));
    await registry.promote('m@1', 'production', who);
    await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', notWorseThan: 'm@1' })] });
    expect((await registry.checkGates('m@2', 'production')).gates[0]).toMatchObject({ passed: false, evidence: { compared: 0.7, against: { version: 1, value: 0.8 } } });
  });

  it('fails when the version to compare with does not exist', async () => {
    expect(await verdict({ notWorseThan: 'm@99' }, [[2, day(1), 0.9]])).toMatchObject({ passed: false, reason: expect.stringContaining('version 99') });
  });
});

describe('the integrity gate', () => {
  it('reads every file and names the one that is missing', async () => {
    const { registry, storage } = await setup();
    await registry.registerVersion('m', { files: { a: 'one', 'dir/b': 'two' } });
    await registry.setPolicy('m', { production: [gates.integrity()] });
    expect((await registry.checkGates('m@1', 'production')).gates[0]).toMatchObject({ passed: true, evidence: { files: 2, size: 6 } });
    const { files } = await registry.getVersion('m@1');
    await storage.deleteBlob(files[1]!.digest);
    expect((await registry.checkGates('m@1', 'production')).gates[0]).toMatchObject({ passed: false, reason: expect.stringContaining('"dir/b" of m@1 is missing'), evidence: { path: 'dir/b' } });
  });
});

describe('a custom gate', () => {
  const cases: [string, GateFunction | undefined, boolean, string][] = [
    ['that passes', async () => ({ passed: true, reason: 'all smoke tests green', evidence: { tests: 12 } }), true, 'all smoke tests green'],
    ['that does not', () => ({ passed: false }), false, 'did not pass'],
    ['that throws', () => { throw new Error('no GPU'); }, false, 'failed: no GPU'],
    ['that rejects', async () => Promise.reject(new Error('no network')), false, 'failed: no network'],
    ['whose reason is no text', (async () => ({ passed: true, reason: Symbol('fine') })) as never, false, 'gave a reason that is not a text'],
    ['that answers nothing', (async () => undefined) as never, false, 'gave no verdict'],
    ['that answers something else', (async () => ({ passed: 1 })) as never, false, 'gave no verdict'],
    ['whose evidence cannot be stored', () => ({ passed: true, evidence: { call: () => 1 } }), false, 'evidence.call is a function'],
    ['that this process does not have', undefined, false, 'this process has no gate "smoke"'],
  ];
  it.each(cases)('%s', async (_name, decide, passed, reason) => {
    const { registry } = await setup(decide ? { smoke: decide } : {});
    await register(registry);
    await registry.setPolicy('m', { production: [gates.custom('smoke')] });
    const report = await registry.checkGates('m@1', 'production');
    expect(report.gates[0]).toMatchObject({ gate: 'custom', name: 'custom smoke', passed, reason: expect.stringContaining(reason) });
  });

  it('is given the version, the stage and its files', async () => {
    const { registry } = await setup({ smoke: async ({ version, stage, load }) => ({ passed: true, reason: `${version.version} ${stage} ${(await (await load()).file('f')).length}` }) });
    await register(registry);
    await registry.setPolicy('m', { staging: [gates.custom('smoke')] });
    expect((await registry.checkGates('m@1', 'staging')).gates[0]!.reason).toBe('1 staging 8');
  });

  it('fails when its time is over, and is told so', async () => {
    const timers: [() => void, number][] = [];
    const clock: Clock = { ...systemClock, setTimer: (callback, ms) => (timers.push([callback, ms]), () => undefined) };
    let told: unknown;
    const { registry } = await setup({ smoke: ({ signal }) => new Promise(() => signal.addEventListener('abort', () => (told = signal.reason))) }, clock);
    await register(registry);
    await registry.setPolicy('m', { production: [gates.custom('smoke', { timeout: '5s' })] });
    const report = registry.checkGates('m@1', 'production');
    while (timers.length === 0) await Promise.resolve();
    expect(timers[0]![1]).toBe(5_000);
    timers[0]![0]();
    expect((await report).gates[0]).toMatchObject({ passed: false, reason: expect.stringContaining('timeout of 5000 ms') });
    expect(isModelkeepError(told, 'timeout')).toBe(true);
  });

  it('does not hold up a caller who gives up', async () => {
    const abort = new AbortController();
    const { registry } = await setup({
      smoke: () => {
        abort.abort();
        return new Promise(() => undefined);
      },
    });
    await register(registry);
    await registry.setPolicy('m', { production: [gates.custom('smoke')] });
    await expect(registry.promote('m@1', 'production', { ...who, signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect((await registry.getModel('m')).production).toBeUndefined();
  });
});

describe('promotion', () => {
  it('is refused when a gate fails, with the report', async () => {
    const { registry } = await setup();
    await register(registry, { auc: 0.71 });
    await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 }), gates.integrity()] }, who);
    const refused = registry.promote('m@1', 'production', who);
    await expect(refused).rejects.toMatchObject({
      code: 'gate',
      message: 'm@1 may not go to production. metric auc: auc is 0.71 as registered, below 0.75. Mend this, or promote with force and a reason.',
      details: { model: 'm', version: 1, stage: 'production', report: await registry.checkGates('m@1', 'production') },
    });
    expect((await registry.getVersion('m@1')).stage).toBe('none');
    const history = await registry.history('m');
    expect(history.map((event) => event.type)).toEqual(['model-created', 'version-registered', 'policy-changed', 'promotion-refused']);
    expect(history.at(-1)).toMatchObject({ ...who, subject: { kind: 'model-version', id: 'm', version: 1 }, data: { version: 1, from: 'none', to: 'production', gates: { model: 'm', version: 1, stage: 'production', passed: false, gates: [{ name: 'metric auc', passed: false, evidence: { value: 0.71 } }, { gate: 'integrity', passed: true }] } } });
    await registry.promote('m@1', 'staging', who);
  });

  it('by force is done, and the history keeps why and against what', async () => {
    const { registry } = await setup();
    await register(registry, { auc: 0.71 });
    await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 })] });
    await registry.promote('m@1', 'production', { by: 'lead', reason: 'the old one is down', force: true });
    expect((await registry.history('m')).at(-1)).toMatchObject({
      type: 'stage-changed',
      by: 'lead',
      reason: 'the old one is down',
      data: { forced: true, gates: { passed: false, gates: [{ passed: false, evidence: { value: 0.71, min: 0.75 } }] } },
    });
  });

  it('by force is not called forced when the gates pass', async () => {
    const { registry } = await setup();
    await register(registry, { auc: 0.8 });
    await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 })] });
    await registry.promote('m@1', 'production', { ...who, force: true });
    expect((await registry.history('m')).at(-1)).toMatchObject({ data: { forced: false, gates: { passed: true } } });
  });

  it('asks the gates again when what they saw has changed meanwhile', async () => {
    let calls = 0;
    const { registry, storage } = await setup({
      meddler: async () => {
        if (calls++ === 0) await new Registry({ storage }).recordEvaluation('m@1', { dataset: day(1), metrics: { auc: 0.1 } });
        return { passed: true };
      },
    });
    await register(registry, { auc: 0.8 });
    await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 }), gates.custom('meddler')] });
    await expect(registry.promote('m@1', 'production', who)).rejects.toMatchObject({ code: 'gate', message: expect.stringContaining('auc is 0.1, below 0.75') });
    expect(calls).toBe(2);
  });

  it('asks them once when others only register versions meanwhile', async () => {
    let calls = 0;
    const { registry, storage } = await setup({
      meddler: async () => {
        calls++;
        await new Registry({ storage }).registerVersion('m', { files: { f: 'another' } });
        return { passed: true };
      },
    });
    await register(registry);
    await registry.setPolicy('m', { production: [gates.custom('meddler')] });
    expect(await registry.promote('m@1', 'production', who)).toMatchObject({ version: 1, stage: 'production' });
    expect([calls, (await registry.getModel('m')).latest]).toEqual([1, 2]);
  });

  it('gives up when the model never keeps still', async () => {
    const { registry, storage } = await setup({
      meddler: async () => {
        await new Registry({ storage }).recordEvaluation('m@1', { dataset: day(1), metrics: { auc: 0.9 } });
        return { passed: true };
      },
    });
    await register(registry);
    await registry.setPolicy('m', { production: [gates.custom('meddler')] });
    await expect(registry.promote('m@1', 'production', who)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('20 decisions') });
  });

  it.each([
    ['"gate":"astrology"', 'astrology'],
    ['"gate":"integrity","stars":"aligned"', 'integrity'],
    ['"gate":"metric","goal":"maximize","metric":"auc","notWorseThan":"m@champion"', 'metric'],
    ['"gate":"metric","goal":"maximize","metric":"auc","notWorseThan":"other@1"', 'metric'],
  ])('is refused by a gate of a newer modelkeep, which this one does not know whole: %s', async (gate, name) => {
    const { registry, storage } = await setup();
    await register(registry);
    await registry.setPolicy('m', { production: [gates.integrity()] });
    const [record] = await storage.read(['registry/models/m']);
    const newer = new TextDecoder().decode(record!.bytes).replace('"gate":"integrity"', gate);
    await storage.write([{ kind: 'put', key: 'registry/models/m', bytes: new TextEncoder().encode(newer) }]);
    await expect(registry.promote('m@1', 'production', who)).rejects.toMatchObject({ code: 'gate', message: expect.stringContaining(`does not know this form of the gate "${name}"`) });
  });

  it('is not gated into stages without a policy', async () => {
    const { registry } = await setup();
    await register(registry);
    await registry.setPolicy('m', { production: [gates.custom('absent')] });
    for (const stage of ['staging', 'archived', 'none'] as const) expect(await registry.promote('m@1', stage, who)).toMatchObject({ stage });
    await registry.setPolicy('m', {});
    await registry.promote('m@1', 'production', who);
  });
});

it('evaluations are kept in order, for the version that they are of', async () => {
  const { registry } = await setup();
  await register(registry);
  await register(registry);
  const made = [];
  for (const [version, auc] of [[1, 0.1], [2, 0.2], [1, 0.3]] as const) made.push(await registry.recordEvaluation(`m@${version}`, { dataset: { digest: day(1), name: 'week 1' }, metrics: { auc }, by: 'ci' }));
  expect(await registry.evaluations('m@1')).toEqual([made[0], made[2]]);
  expect(made[0]).toMatchObject({ model: 'm', version: 1, dataset: { digest: day(1), name: 'week 1' }, metrics: { auc: 0.1 }, by: 'ci' });
  expect((await registry.history('m')).at(-1)).toMatchObject({ type: 'evaluation-recorded', by: 'ci', data: { version: 1, evaluation: made[2]!.id, metrics: { auc: 0.3 } } });
});
