import { TimeoutError, type TelemetryOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { Telemetry } from '../../src/serving/metrics/telemetry.ts';
import { outcome } from './outcome.ts';

/** A tracer and a meter that keep what they are told, in the order of the calls. */
function collector() {
  const spans: Record<string, unknown>[] = [];
  const values: unknown[] = [];
  const options: TelemetryOptions = {
    tracer: {
      startSpan(name, given) {
        const span: Record<string, unknown> = { name, ...given };
        return { setStatus: (status) => (span['status'] = status), end: (endTime) => void spans.push({ ...span, endTime }) };
      },
    },
    meter: {
      createHistogram: (name, given) => ({ record: (value, attributes) => void values.push({ name, unit: given?.unit, value, attributes }) }),
    },
  };
  return { spans, values, options };
}

describe('what a deployment tells OpenTelemetry', () => {
  it('is a span with its real times, and a duration in seconds', () => {
    const { spans, values, options } = collector();
    const telemetry = new Telemetry('flight-delay', options, () => undefined);
    telemetry.record(outcome({ at: 1_790_000_000_750.5, latencyMs: 1500.25, version: 3, arm: 'candidate', reason: 'canary', variant: 'B' }));
    const attributes = { 'modelkeep.model.name': 'flight-delay', 'modelkeep.model.version': 3, 'modelkeep.arm': 'candidate', 'modelkeep.reason': 'canary', 'feature_flag.result.variant': 'B' };
    expect(spans).toEqual([
      {
        name: 'predict flight-delay',
        kind: 0,
        startTime: [1_790_000_000, 750_500_000],
        endTime: [1_790_000_002, 250_750_000],
        attributes: { ...attributes, 'modelkeep.prediction.id': outcome().id, 'modelkeep.prediction.cached': false, 'modelkeep.prediction.queue_time': 0.001, 'modelkeep.prediction.compute_time': 0.002, 'modelkeep.prediction.batch_size': 1 },
      },
    ]);
    expect(values).toEqual([{ name: 'modelkeep.prediction.duration', unit: 's', value: 1.50025, attributes }]);
  });

  it('says of a failure what it was', () => {
    const { spans, options } = collector();
    const telemetry = new Telemetry('flight-delay', { tracer: options.tracer }, () => undefined);
    telemetry.record(outcome({ error: new TimeoutError('It took too long.'), shadow: true }));
    expect(spans[0]).toMatchObject({ status: { code: 2, message: 'It took too long.' }, attributes: { 'error.type': 'timeout', 'modelkeep.arm': 'shadow' } });
  });

  it('fails without a prediction knowing, and says so once', () => {
    const errors: unknown[] = [];
    let fails = true;
    const telemetry = new Telemetry('flight-delay', { tracer: { startSpan: () => { if (fails) throw new Error('The exporter is gone.'); return { setStatus: () => 0, end: () => undefined }; } } }, (error) => errors.push(error));
    for (let i = 0; i < 5; i++) telemetry.record(outcome());
    fails = false;
    telemetry.record(outcome());
    fails = true;
    telemetry.record(outcome());
    expect(errors).toHaveLength(2);
  });

  it('refuses what has not the shapes', () => {
    expect(() => new Telemetry('flight-delay', { tracer: {} } as TelemetryOptions, () => undefined)).toThrow(/options\.telemetry\.tracer must be a tracer/);
    expect(() => new Telemetry('flight-delay', { meter: {} } as TelemetryOptions, () => undefined)).toThrow(/options\.telemetry\.meter/);
    expect(() => new Telemetry('flight-delay', { logs: {} } as TelemetryOptions, () => undefined)).toThrow('logs');
  });
});
