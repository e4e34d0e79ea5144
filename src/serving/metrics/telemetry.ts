import * as z from 'zod/mini';
import { having } from '../../core/option-schemas.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { describeFailure } from '../../core/failure.ts';
import { check } from '../../core/schema.ts';
import type { ServedOutcome } from '../prediction.ts';
import { failureCode } from './version-series.ts';

/** Seconds since the epoch, and nanoseconds. */
export type TelemetryTime = [seconds: number, nanoseconds: number];

/** What a span or a value is labelled with. */
export type TelemetryAttributes = Record<string, string | number | boolean>;

/** A span, as `@opentelemetry/api` has it. */
export interface TelemetrySpan {
  /** Says whether what it tells of went well; 2 is an error. */
  setStatus(status: { code: 0 | 1 | 2; message?: string }): unknown;
  /** Ends it. */
  end(endTime?: TelemetryTime): void;
}

/** A tracer, as `trace.getTracer(…)` of `@opentelemetry/api` gives it. */
export interface TelemetryTracer {
  /** Begins a span within what is active. */
  startSpan(name: string, options?: { kind?: 0 | 1 | 2 | 3 | 4; startTime?: TelemetryTime; attributes?: TelemetryAttributes }): TelemetrySpan;
}

/** A histogram, as `@opentelemetry/api` has it. */
export interface TelemetryHistogram {
  /** Counts a value. */
  record(value: number, attributes?: TelemetryAttributes): void;
}

/** A meter, as `metrics.getMeter(…)` of `@opentelemetry/api` gives it. */
export interface TelemetryMeter {
  /** Makes a histogram. */
  createHistogram(name: string, options?: { description?: string; unit?: string; advice?: { explicitBucketBoundaries?: number[] } }): TelemetryHistogram;
}

/** Where a deployment tells what it serves, in the shapes of `@opentelemetry/api`. */
export interface TelemetryOptions {
  /** Gets a span of every prediction, with its real begin and end, within the span that is active where it was asked for. @default none */
  readonly tracer?: TelemetryTracer | undefined;
  /** Gets a histogram of durations, `modelkeep.prediction.duration`, in seconds. @default none */
  readonly meter?: TelemetryMeter | undefined;
}

const schema = /* @__PURE__ */ z.strictObject({
  tracer: /* @__PURE__ */ z.optional(/* @__PURE__ */ having<TelemetryTracer>('startSpan', 'must be a tracer of OpenTelemetry')),
  meter: /* @__PURE__ */ z.optional(/* @__PURE__ */ having<TelemetryMeter>('createHistogram', 'must be a meter of OpenTelemetry')),
});

const bounds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Tells OpenTelemetry of predictions. What fails there reaches no prediction. */
export class Telemetry {
  readonly #model: string;
  readonly #tracer: TelemetryTracer | undefined;
  readonly #duration: TelemetryHistogram | undefined;
  readonly #onError: ErrorListener;
  #fails = false;

  /** @param options - Throws `ValidationError` for what has not the shapes. */
  constructor(model: string, options: TelemetryOptions, onError: ErrorListener) {
    const { tracer, meter } = check(schema, options, 'options.telemetry');
    this.#model = model;
    this.#tracer = tracer;
    this.#onError = onError;
    this.#duration = meter?.createHistogram('modelkeep.prediction.duration', { description: 'Time from a request to its answer or failure.', unit: 's', advice: { explicitBucketBoundaries: [...bounds] } });
  }

  /** Tells of one request when it is answered or has failed, where it was asked for. Never throws. */
  record(outcome: ServedOutcome): void {
    try {
      const attributes = this.#attributesOf(outcome);
      this.#duration?.record(outcome.latencyMs / 1000, attributes);
      if (this.#tracer) this.#span(this.#tracer, outcome, attributes);
      this.#fails = false;
    } catch (error) {
      // It would be the same for every prediction.
      if (!this.#fails) this.#onError(error);
      this.#fails = true;
    }
  }

  #span(tracer: TelemetryTracer, outcome: ServedOutcome, attributes: TelemetryAttributes): void {
    const { id, at, latencyMs, queueMs, computeMs, batchSize, cached, error } = outcome;
    const span = tracer.startSpan(`predict ${this.#model}`, {
      kind: 0,
      startTime: timeOf(at),
      attributes: { ...attributes, 'modelkeep.prediction.id': id, 'modelkeep.prediction.cached': cached, 'modelkeep.prediction.queue_time': queueMs / 1000, 'modelkeep.prediction.compute_time': computeMs / 1000, 'modelkeep.prediction.batch_size': batchSize },
    });
    if (error !== undefined) span.setStatus({ code: 2, message: describeFailure(error).message });
    span.end(timeOf(at + latencyMs));
  }

  #attributesOf({ version, arm, reason, variant, shadow, error }: ServedOutcome): TelemetryAttributes {
    return {
      'modelkeep.model.name': this.#model,
      'modelkeep.model.version': version,
      'modelkeep.arm': shadow ? 'shadow' : arm,
      'modelkeep.reason': reason,
      // Names of the semantic conventions of OpenTelemetry where they have one.
      ...(variant !== undefined && { 'feature_flag.result.variant': variant }),
      ...(error !== undefined && { 'error.type': failureCode(error) }),
    };
  }
}

function timeOf(epochMs: number): TelemetryTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.min(999_999_999, Math.round((epochMs - seconds * 1000) * 1e6))];
}
