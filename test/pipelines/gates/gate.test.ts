import { isModelkeepError, MemoryStorage, Pipeline, type PipelineEvent, type StepGateAnswer, type StepGateCheck, type StepGateReport, type StepHandle } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';

const make = (storage = new MemoryStorage()): Pipeline => new Pipeline({ name: 'p', storage });

const sound: StepGateCheck = { name: 'rows', passed: true, actual: 1200, expected: { min: 1000 } };
const bad: StepGateCheck = { name: 'auc', passed: false, actual: 0.61, expected: 'at least 0.7', message: 'worse than chance in the evening' };
const odd: StepGateCheck = { name: 'late rows', passed: false, actual: 3, severity: 'warning' };

describe('a gate', () => {
  it('puts out its report when all checks pass', async () => {
    const pipeline = make();
    const auc = pipeline.step('evaluate', {}, () => 0.9);
    const gate = pipeline.gate('quality', { needs: { auc } }, ({ inputs }) => {
      expectTypeOf(inputs).toEqualTypeOf<{ readonly auc: number }>();
      return [{ name: 'auc', passed: inputs.auc > 0.8 }, sound];
    });
    expectTypeOf(gate).toEqualTypeOf<StepHandle<StepGateReport>>();
    const after = pipeline.step('register', { needs: { gate } }, ({ inputs }) => inputs.gate.checks.map(({ name }) => name));
    const result = await pipeline.run();
    expect(result.status).toBe('succeeded');
    expect(result.output(gate)).toEqual({ passed: true, checks: [{ name: 'auc', passed: true, severity: 'error' }, { ...sound, severity: 'error' }] });
    expect(result.output(after)).toEqual(['auc', 'rows']);
  });

  it('fails by one check, stops what follows, and keeps all that it found', async () => {
    const storage = new MemoryStorage();
    const pipeline = make(storage);
    let asked = 0;
    const events: PipelineEvent[] = [];
    const gate = pipeline.gate('quality', { retries: { limit: 5 } }, async () => [sound, (asked++, bad), odd]);
    pipeline.step('register', { needs: { gate } }, () => expect.unreachable());
    const told = pipeline.step('tell', { after: [gate], trigger: 'one_failed' }, ({ states }) => states['quality']!.failure!.report!.checks.length);
    const result = await pipeline.run({ onEvent: (event) => events.push(event) });
    const report: StepGateReport = { passed: false, checks: [{ ...sound, severity: 'error' }, { ...bad, severity: 'error' }, { ...odd, severity: 'warning' }] };
    expect([asked, result.status, result.output(told)]).toEqual([1, 'failed', 3]);
    expect(result.steps['quality']).toMatchObject({ status: 'failed', attempts: 1, failure: { code: 'gate-failed', report } });
    expect(result.steps['quality']!.failure!.message).toBe('Gate \'quality\' did not pass, 1 of 3 checks failed: auc is 0.61, expected "at least 0.7": worse than chance in the evening');
    expect(result.steps['register']).toMatchObject({ status: 'upstream_failed', because: "step 'quality' failed" });
    expect(events.find((event) => event.type === 'step-failed')).toMatchObject({ step: 'quality', failure: { report } });
    // Whoever reads it later, from the store alone.
    expect((await make(storage).getRun(result.id)).steps['quality']!.failure!.report).toEqual(report);
    try {
      result.output(gate);
      expect.unreachable();
    } catch (error) {
      if (!isModelkeepError(error, 'pipeline-failed')) throw error;
      expect(error.details['failure']).toMatchObject({ code: 'gate-failed', report });
    }
  });

  it('tells of warnings and lets them past', async () => {
    const pipeline = make();
    const gate = pipeline.gate('quality', {}, () => [odd]);
    const result = await pipeline.run();
    expect(result.output(gate)).toEqual({ passed: true, checks: [odd] });
    const lines = [];
    for await (const { level, text } of pipeline.logs(result.id, { step: 'quality' })) lines.push([level, text]);
    expect(lines).toEqual([['warn', 'late rows is 3']]);
  });

  it('takes a yes or no as a check of its own name', async () => {
    const pipeline = make();
    const yes = pipeline.gate('yes', {}, () => true);
    pipeline.gate('no', {}, () => false);
    const result = await pipeline.run();
    expect(result.output(yes)).toEqual({ passed: true, checks: [{ name: 'yes', passed: true, severity: 'error' }] });
    expect(result.steps['no']!.failure).toMatchObject({ code: 'gate-failed', report: { passed: false, checks: [{ name: 'no', passed: false }] } });
  });

  it('tries again what its work throws, by its retries', async () => {
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage() });
    const seen: unknown[] = [];
    const gate = pipeline.gate('quality', { retries: { limit: 3, backoff: 0, retryIf: (error) => seen.push((error as Error).message) > 0 } }, ({ run: { attempt } }) => {
      if (attempt < 3) throw new Error(`attempt ${attempt}`);
      return false;
    });
    const result = await pipeline.run();
    expect(result.steps[gate.name]).toMatchObject({ status: 'failed', attempts: 3, failure: { code: 'gate-failed' } });
    expect(seen).toEqual(['attempt 1', 'attempt 2']);
  });

  it('is asked again when the run is resumed, and may have its report taken from an earlier run', async () => {
    const pipeline = make();
    let passes = false;
    let asked = 0;
    const gate = pipeline.gate('quality', { cache: { version: '1' } }, () => (asked++, passes));
    const { id, status } = await pipeline.run();
    passes = true;
    expect([status, (await pipeline.resume(id)).status, asked]).toEqual(['failed', 'succeeded', 2]);
    const again = await pipeline.run();
    expect([again.output(gate).passed, again.steps['quality']!.cache?.run, asked]).toEqual([true, id, 2]);
  });

  it('runs a pipeline that gives the checks, and is looked at for circles', async () => {
    const storage = new MemoryStorage();
    const inner = new Pipeline({ name: 'inner', storage });
    const found = inner.step('look', {}, (): StepGateAnswer => [bad]);
    const outer = new Pipeline({ name: 'outer', storage });
    outer.gate('quality', {}, inner.asStep({ output: (result) => result.output(found) }));
    const result = await outer.run();
    expect(result.steps['quality']!.failure!.report!.checks).toMatchObject([bad]);
    expect((await outer.getRun(result.id)).subRuns['quality']!.pipeline).toBe('inner');
    inner.step('back', {}, outer.asStep());
    await expect(outer.run()).rejects.toThrow('in a circle');
  });

  it('has inputs that may be missing where its trigger lets it run without them', () => {
    const pipeline = make();
    const auc = pipeline.step('evaluate', {}, () => 0.9);
    pipeline.gate('late', { needs: { auc }, trigger: 'all_done' }, ({ inputs }) => {
      expectTypeOf(inputs.auc).toEqualTypeOf<number | undefined>();
      return (inputs.auc ?? 0) > 0.8;
    });
    // @ts-expect-error -- a text is no answer
    pipeline.gate('text', {}, () => 'passed');
    expect(() => pipeline.gate('late', {}, () => true)).toThrow("has a step 'late' already");
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, "what gate 'quality' returned is undefined; return true, false, or a list of checks"],
    ['a number', 1, 'is 1; return true'],
    ['an object', { passed: true }, 'return true, false, or a list of checks'],
    ['an empty list', [], 'nothing was checked'],
    ['a check that does not say', [{ name: 'a' }], "what gate 'quality' returned[0].passed is missing"],
    ['a check that is not sure', [{ name: 'a', passed: NaN }], '[0].passed must be a boolean'],
    ['a check without a name', [{ name: '', passed: true }], '[0].name'],
    ['two of a name', [sound, { ...bad, name: 'rows' }], 'two checks called "rows"'],
    ['another severity', [{ ...sound, severity: 'warn' }], '[0].severity must be one of'],
    ['a word that there is not', [{ ...sound, passd: true }], '[0]'],
    ['what cannot be kept', [{ ...sound, actual: () => 1 }], 'actual'],
    ['too much', [{ ...bad, actual: 'x'.repeat(300_000) }], 'a report at most 262144'],
  ])('fails, and not by its checks, for %s', async (_, answer, message) => {
    const pipeline = make();
    pipeline.gate('quality', { retries: { limit: 3 } }, () => answer as StepGateAnswer);
    const result = await pipeline.run();
    expect(result.steps['quality']).toMatchObject({ status: 'failed', attempts: 1, failure: { code: 'validation', message: expect.stringContaining(message) as string } });
    expect(result.steps['quality']!.failure!.report).toBeUndefined();
  });
});
