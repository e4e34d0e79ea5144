import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { shown } from '../../core/shown.ts';
import type { Arm, ServedOutcome } from '../prediction.ts';
import { MetricFamilies, type MetricFamily } from './metric-family.ts';
import { checkMetrics, type MetricsSettings, type ServingMetricsOptions } from './metrics-options.ts';
import { prometheusText } from './prometheus-text.ts';
import { addGauges, type ServingGauges } from './serving-gauges.ts';
import { CostTally, type VersionCost } from './version-cost.ts';
import { VersionSeries, type CountedAs } from './version-series.ts';

/** What a {@link ServingMetrics} works with. */
export interface ServingMetricsParts {
  /** The label `model`. */
  readonly model: string;
  readonly clock: Clock;
  /** Is told when the function `price` fails: at the first time, and at the first after it went well again. */
  readonly onError: ErrorListener;
  /** Asked for when metrics are read. */
  readonly gauges: () => ServingGauges;
  /** @default see each */
  readonly options?: ServingMetricsOptions | undefined;
}

interface MeasuredVersion {
  readonly version: number;
  readonly series: Map<CountedAs, VersionSeries>;
  readonly cost: CostTally;
  /** Epoch milliseconds of its last request, or of when it left memory. */
  lastAt: number;
}

const batchBounds: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Counts what requests of one deployment come to, by version and arm, in constant time and within bounded memory. */
export class ServingMetrics {
  readonly model: string;
  readonly #settings: MetricsSettings;
  readonly #parts: ServingMetricsParts;
  readonly #versions = new Map<number, MeasuredVersion>();
  #priceFails = false;

  constructor(parts: ServingMetricsParts) {
    this.#parts = parts;
    this.model = parts.model;
    this.#settings = checkMetrics(parts.options ?? {}, 'options.metrics');
  }

  /** Counts one request. Never throws. */
  count(outcome: ServedOutcome): void {
    const measured = this.#versionOf(outcome.version);
    if (outcome.at > measured.lastAt) measured.lastAt = outcome.at;
    const as = outcome.shadow ? 'shadow' : outcome.arm;
    let series = measured.series.get(as);
    if (series === undefined) measured.series.set(as, (series = new VersionSeries({ seconds: this.#settings.seconds, batch: batchBounds })));
    series.count(outcome);
    measured.cost.count(outcome, this.#settings.price === undefined ? 0 : this.#priceOf(outcome));
  }

  /** From now on a version holds so many bytes: 0 when it has given them back. */
  hold(version: number, bytes: number): void {
    const measured = this.#versionOf(version);
    const { clock } = this.#parts;
    measured.cost.hold(bytes, clock.monotonic());
    measured.lastAt = Math.max(measured.lastAt, clock.now());
  }

  /** What each version took, ascending by version. */
  costs(): VersionCost[] {
    this.#prune();
    const now = this.#parts.clock.monotonic();
    return [...this.#versions.values()].map(({ version, cost }) => cost.total(version, now)).sort((a, b) => a.version - b.version);
  }

  /** All metrics, for a text together with those of other deployments. */
  families(): readonly MetricFamily[] {
    this.#prune();
    const families = new MetricFamilies();
    const measured = [...this.#versions.values()].sort((a, b) => a.version - b.version);
    for (const { version, series } of measured) for (const [as, of] of series) this.#addSeries(families, String(version), as, of);
    for (const { version, cost } of measured) this.#addCost(families, cost, version);
    addGauges(families, this.model, this.#parts.gauges());
    return families.all();
  }

  /** All metrics in the text format 0.0.4 of Prometheus. */
  text(): string {
    return prometheusText(this.families());
  }

  #addSeries(families: MetricFamilies, version: string, as: CountedAs, series: VersionSeries): void {
    const { model } = this;
    if (as === 'shadow') {
      const labels = { model, version };
      families.counter('modelkeep_shadow_predictions_total', 'Copies of requests that a version was asked to answer as a shadow, those that failed included.', labels, series.requests);
      for (const [code, count] of series.failures) families.counter('modelkeep_shadow_failures_total', 'Shadow copies that failed, by the code of the error.', { ...labels, code }, count);
      families.histogram('modelkeep_shadow_duration_seconds', 'Time from a shadow copy to its answer or failure.', labels, series.duration.samples());
      return;
    }
    const labels: { model: string; version: string; arm: Arm } = { model, version, arm: as };
    families.counter('modelkeep_predictions_total', 'Requests that a version was to answer, those that failed included.', labels, series.requests);
    for (const [code, count] of series.failures) families.counter('modelkeep_prediction_failures_total', 'Requests that failed, by the code of the error.', { ...labels, code }, count);
    families.counter('modelkeep_predictions_cached_total', 'Requests that were answered from the cache of answers.', labels, series.cached);
    families.counter('modelkeep_predictions_fallback_total', 'Requests that a version answered, or failed to, in the place of another one.', labels, series.fallback);
    families.histogram('modelkeep_prediction_duration_seconds', 'Time from a request to its answer or failure.', labels, series.duration.samples());
    families.histogram('modelkeep_prediction_queue_seconds', 'Time that a request which the model answered had waited for its turn.', labels, series.queue.samples());
    families.histogram('modelkeep_prediction_compute_seconds', 'Time in the model by request which it answered, its batch shared by all in it.', labels, series.compute.samples());
    families.histogram('modelkeep_prediction_batch_size', 'With how many requests at once the model answered a request.', labels, series.batch.samples());
  }

  #addCost(families: MetricFamilies, cost: CostTally, version: number): void {
    const labels = { model: this.model, version: String(version) };
    const { computeMs, byteSeconds, price } = cost.total(version, this.#parts.clock.monotonic());
    families.counter('modelkeep_version_compute_seconds_total', 'Time in the model, shadows included.', labels, computeMs / 1000);
    families.counter('modelkeep_version_memory_byte_seconds_total', 'Bytes held in memory times the seconds that they were held.', labels, byteSeconds);
    // A price may be negative, where a prediction earns something: such a sum may fall.
    if (this.#settings.price) families.gauge('modelkeep_version_price', 'What the predictions of a version cost together, in the unit of the price that was given.', labels, price);
  }

  #versionOf(version: number): MeasuredVersion {
    let measured = this.#versions.get(version);
    if (measured === undefined) {
      if (this.#versions.size >= this.#settings.maxVersions) this.#leaveOldest();
      this.#versions.set(version, (measured = { version, series: new Map(), cost: new CostTally(), lastAt: this.#parts.clock.now() }));
    }
    return measured;
  }

  #leaveOldest(): void {
    const oldest = [...this.#versions.values()].sort((a, b) => Number(a.cost.bytes > 0) - Number(b.cost.bytes > 0) || a.lastAt - b.lastAt)[0];
    if (oldest) this.#versions.delete(oldest.version);
  }

  /** Lets versions go that are out of memory for long. */
  #prune(): void {
    const before = this.#parts.clock.now() - this.#settings.keepMs;
    for (const { version, cost, lastAt } of this.#versions.values()) if (cost.bytes === 0 && lastAt < before) this.#versions.delete(version);
  }

  #priceOf(outcome: ServedOutcome): number {
    const { version, latencyMs, computeMs, batchSize, cached, shadow, input, output } = outcome;
    try {
      const price = this.#settings.price!({ version, latencyMs, computeMs, batchSize, cached, shadow, failed: outcome.error !== undefined, input, output });
      if (!Number.isFinite(price)) throw new ValidationError(`The price of a prediction of version ${version} is ${shown(price)}; options.metrics.price must give a finite number.`, { path: 'options.metrics.price' });
      this.#priceFails = false;
      return price;
    } catch (error) {
      if (!this.#priceFails) this.#parts.onError(error);
      this.#priceFails = true;
      return 0;
    }
  }
}
