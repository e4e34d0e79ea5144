import { ValidationError } from '../../core/errors.ts';
import type { MetricFamily } from './metric-family.ts';
import { prometheusText } from './prometheus-text.ts';

/** Something whose metrics can be read, such as a deployment. */
export interface MetricsSource {
  /** The value of the label `model`, by which sources are told apart. */
  readonly model: string;
  /** All its metrics as they are now. */
  metricFamilies(): readonly MetricFamily[];
}

/**
 * The metrics of several deployments as one text in the format 0.0.4 of Prometheus (`Content-Type: text/plain; version=0.0.4; charset=utf-8`), every family once. Throws `ValidationError` when two are of the same model, whose
 * values could not be told apart.
 *
 * @example
 * ```ts
 * import { metricsText } from 'modelkeep';
 *
 * const queue = { model: 'flight-delay', metricFamilies: () => [{ name: 'queue_length', help: 'Requests that wait.', type: 'gauge', samples: [{ suffix: '', labels: { model: 'flight-delay' }, value: 3 }] }] as const };
 * console.log(metricsText([queue])); // deployments go in here
 * ```
 */
export function metricsText(sources: Iterable<MetricsSource>): string {
  const all = [...sources];
  const twice = all.find(({ model }, s) => all.findIndex((other) => other.model === model) < s);
  if (twice) throw new ValidationError(`Two deployments are of the model '${twice.model}'; their metrics could not be told apart. Read each by its own metricsText().`, { path: 'deployments', model: twice.model });
  return prometheusText(all.flatMap((source) => source.metricFamilies()));
}
