import { bucketOf } from '../../core/bucket.ts';
import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { DeploymentOptions, PredictionFeedback } from '../deployment-options.ts';
import { PredictionLog } from '../log/prediction-log.ts';
import type { ServingGauges } from '../metrics/serving-gauges.ts';
import { ServingMetrics } from '../metrics/serving-metrics.ts';
import { Telemetry } from '../metrics/telemetry.ts';
import type { ServedOutcome } from '../prediction.ts';
import type { RolloutController } from '../rollout/rollout-controller.ts';
import type { DeployedExperiment } from '../routing/deployed-experiment.ts';
import { originOf, type PredictionOrigin } from '../routing/prediction-id.ts';
import { GivenIds } from './given-ids.ts';
import { feedMonitor } from './monitor-feed.ts';

/** What the books of a deployment are kept with. */
export interface BookkeepingParts<Input, Output> {
  readonly options: Pick<DeploymentOptions<Input, Output>, 'storage' | 'model' | 'monitor' | 'observe' | 'metrics' | 'telemetry' | 'log' | 'experiment'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: ErrorListener;
  readonly gauges: () => Omit<ServingGauges, 'logDropped' | 'logBuffered'>;
  readonly rollouts: Pick<RolloutController, 'count' | 'measure'> | undefined;
  /** Is told of each outcome, the last of all. */
  readonly served: (outcome: ServedOutcome) => void;
}

// Of the ids that callers gave, so many are remembered.
const rememberedIds = 10_000;
// And of the metrics that were told.
const rememberedMetrics = 100_000;

/** Tells of what was served whoever counts, keeps or watches it, and of what came of it. What fails in one of them reaches neither the prediction nor the others. */
export class Bookkeeping<Input, Output> {
  readonly metrics: ServingMetrics;
  readonly log: PredictionLog | undefined;
  readonly #parts: BookkeepingParts<Input, Output>;
  readonly #sinks: readonly ((outcome: ServedOutcome) => void)[];
  readonly #ids = new GivenIds(rememberedIds);
  readonly #measured = new Set<number>();

  constructor(parts: BookkeepingParts<Input, Output>) {
    const { options, clock, random, onError, rollouts, served } = parts;
    const { model, storage, monitor, observe, metrics, telemetry, log = false } = options;
    this.#parts = parts;
    this.log = log === false ? undefined : new PredictionLog({ storage, model, clock, random, onError, options: log === true ? {} : log });
    this.metrics = new ServingMetrics({ model, clock, onError, options: metrics, gauges: () => ({ ...parts.gauges(), ...(this.log && { logDropped: this.log.dropped, logBuffered: this.log.buffered }) }) });
    const told = telemetry && new Telemetry(model, telemetry, onError);
    this.#sinks = [
      (outcome) => this.metrics.count(outcome),
      ...(rollouts ? [(outcome: ServedOutcome) => rollouts.count(outcome)] : []),
      ...(this.log ? [(outcome: ServedOutcome) => this.log!.record(outcome)] : []),
      ...(monitor && observe ? [(outcome: ServedOutcome) => feedMonitor(monitor, observe, outcome)] : []),
      ...(told ? [(outcome: ServedOutcome) => told.record(outcome)] : []),
      served,
    ];
  }

  /** Tells of an outcome. Never throws. */
  tell(outcome: ServedOutcome): void {
    for (const sink of this.#sinks) {
      try {
        sink(outcome);
      } catch (error) {
        this.#parts.onError(error);
      }
    }
  }

  /** Remembers where a prediction came from whose id its caller gave. */
  remember(id: string, origin: PredictionOrigin, key: string | undefined): void {
    this.#ids.remember(id, { ...origin, key });
  }

  /** Tells the experiment that a unit has met its variant. Never throws. */
  expose(key: string, exposure: Parameters<DeployedExperiment['expose']>[1]): void {
    const { options, onError } = this.#parts;
    try {
      options.experiment?.expose(key, exposure);
    } catch (error) {
      onError(error);
    }
  }

  /** Takes what came of predictions. Throws `ValidationError` for a label that nobody takes, and has taken nothing then. */
  feedback(all: readonly PredictionFeedback[]): void {
    if (this.#parts.options.monitor === undefined && this.log === undefined && all.some(({ label }) => label !== undefined)) {
      throw new ValidationError('feedback.label has no use: the deployment has neither a monitor nor a log. Give it options.monitor or options.log.', { path: 'feedback.label' });
    }
    for (const feedback of all) this.#take(feedback);
  }

  #take({ id, key, label, metrics }: PredictionFeedback): void {
    const { options, rollouts, onError } = this.#parts;
    if (label !== undefined) options.monitor?.feedback({ id, label });
    try {
      this.log?.feedback({ id, label, metrics });
      if (metrics === undefined) return;
      const remembered = this.#ids.originOf(id);
      // An id that a caller gave may be one that another deployment made.
      const origin = remembered ?? originOf(id);
      if (origin) rollouts?.measure(origin, this.#new(id, metrics));
      const unit = key ?? remembered?.key;
      if (unit !== undefined && origin?.variant !== undefined) options.experiment?.record(unit, metrics, { id: `${id} ${Object.keys(metrics).sort().join(' ')}` });
    } catch (error) {
      onError(error);
    }
  }

  /** The metrics that were not told of a prediction before, as far as is remembered: whoever heard no answer sends them again. */
  #new(id: string, metrics: Readonly<Record<string, number>>): Record<string, number> {
    return Object.fromEntries(
      Object.entries(metrics).filter(([name]) => {
        // By its hash: ids of callers are of any length.
        const told = bucketOf(id, name);
        if (this.#measured.has(told)) return false;
        this.#measured.add(told);
        if (this.#measured.size > rememberedMetrics) this.#measured.delete(this.#measured.values().next().value!);
        return true;
      }),
    );
  }
}
