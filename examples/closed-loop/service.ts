import { Deployment, DriftMonitor, type ABTest, type DriftVerdict, type Registry, type StorageAdapter } from 'modelkeep';
import { landingEstimate, type Flights } from '../flight-delay/flights.ts';
import type { SimulatedClock } from '../flight-delay/simulated-clock.ts';
import type { LabelledRows } from './flight-rows.ts';
import type { FlightRow, Forecast } from './logistic-model.ts';
import { day, type Plan } from './plan.ts';
import { loadPredictor, loadReference, modelName } from './model-files.ts';

/** What a service is made with. */
export interface ServiceParts {
  readonly storage: StorageAdapter;
  readonly registry: Registry;
  readonly clock: SimulatedClock;
  readonly window: Plan['window'];
  /** Told of what fails where nobody waits for it. */
  readonly onError: (error: unknown) => void;
}

/** What came of a request: known when the flight has landed. */
interface Outcome {
  readonly landed: number;
  readonly id: string;
  readonly label: number;
  readonly score: number;
}

/** How often the service looks what became of a rollout. */
const lookEvery = 6 * 3_600_000;

/** The monitor of what the version in production is asked and answers, against what it was trained on. */
async function watchProduction({ storage, registry, clock, window, onError }: ServiceParts): Promise<DriftMonitor> {
  // #region monitor
  const reference = await loadReference(await registry.load(`${modelName}@production`));
  return new DriftMonitor({
    storage,
    name: modelName,
    reference,
    window: { every: window },
    drift: { alpha: 0.05, minEffect: 0.25, horizon: 26 },
    performance: { metric: 'auc', min: 0.55, maxLabelDelay: '1d' },
    alerts: { cooldown: '21d' },
    clock,
    onError,
  });
  // #endregion monitor
}

/** Answers requests by the version in production, or by those of a rollout or a test; watches them, and brings answers and what came true together. */
export class Service implements AsyncDisposable {
  readonly #parts: ServiceParts;
  #deployment: Deployment<FlightRow, Forecast>;
  #monitor: DriftMonitor;
  #watched: number;
  #nextLook = 0;
  #inTheAir: Outcome[] = [];

  private constructor(parts: ServiceParts, monitor: DriftMonitor, watched: number) {
    this.#parts = parts;
    this.#monitor = monitor;
    this.#watched = watched;
    this.#deployment = this.#deploy();
  }

  /** Begins to serve what is in production. */
  static async open(parts: ServiceParts): Promise<Service> {
    const { production } = await parts.registry.getModel(modelName);
    const service = new Service(parts, await watchProduction(parts), production!);
    await service.#deployment.ready();
    return service;
  }

  get deployment(): Deployment<FlightRow, Forecast> {
    return this.#deployment;
  }

  get monitor(): DriftMonitor {
    return this.#monitor;
  }

  /** Answers the requests of a day, each at the departure of its flight, while earlier flights land. */
  async serve({ departure, distance }: Flights, { rows, labels }: LabelledRows, start: number): Promise<void> {
    const order = Array.from(departure.keys()).filter((row) => departure[row]! >= start && departure[row]! < start + day);
    order.sort((a, b) => departure[a]! - departure[b]! || a - b);
    for (const [place, row] of order.entries()) {
      const now = departure[row]!;
      await this.#comeTo(now);
      // #region predict
      const id = `${new Date(now).toISOString().slice(0, 10)}-${place}`;
      const { output } = await this.#deployment.predict(rows[row]!, { id, key: id });
      // #endregion predict
      this.#inTheAir.push({ landed: landingEstimate(now, distance[row]!), id, label: labels[row]!, score: output.score });
    }
  }

  /** Ends a day: judges the windows that are over, and goes on with the reference of a version that has come into production. */
  async endDay(end: number): Promise<DriftVerdict | undefined> {
    await this.#comeTo(end);
    await this.#look();
    const verdict = await this.#monitor.check();
    const { production } = await this.#parts.registry.getModel(modelName);
    if (production !== this.#watched) {
      await this.#monitor.close();
      this.#monitor = await watchProduction(this.#parts);
      this.#watched = production!;
    }
    return verdict.window.complete ? verdict : undefined;
  }

  /** Brings a version into production by a canary: an equal share of the flights stays with the version in use, and what came true decides. */
  async rollOut(version: number, { by, reason }: { readonly by: string; readonly reason: string }): Promise<void> {
    // #region rollout
    await this.#deployment.startRollout({
      candidate: version,
      steps: [{ weight: 20, hold: '1d' }, { weight: 50, hold: '3d' }],
      guardrails: [
        { metric: 'error_rate', max: 0.01 },
        { metric: 'false_alarm', max: 0.015, kind: 'proportion' },
        { metric: 'brier', notWorseThan: 'stable', margin: 0.02, goal: 'decrease' },
      ],
      salt: 'flights',
      by,
      reason,
    });
    // #endregion rollout
  }

  /** Whether a rollout goes on. */
  async isRollingOut(): Promise<boolean> {
    const rollout = await this.#deployment.rollout();
    return rollout !== undefined && rollout.outcome === undefined;
  }

  /** Lets a test choose between its versions from now on, or nobody. */
  async testBy(test: ABTest | undefined): Promise<void> {
    await this.#deployment.close();
    this.#deployment = this.#deploy(test);
    await this.#deployment.ready();
    await this.#deployment.refresh();
    for (const { version } of test?.variants ?? []) await whenReady(this.#deployment, version!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deployment.close();
    await this.#monitor.close();
  }

  #deploy(experiment?: ABTest): Deployment<FlightRow, Forecast> {
    const { storage, registry, clock, onError } = this.#parts;
    // #region deployment
    return new Deployment({
      storage,
      registry,
      model: modelName,
      load: loadPredictor,
      // The monitor is another one after each promotion.
      monitor: { observe: (seen) => this.#monitor.observe(seen), feedback: (label) => this.#monitor.feedback(label) },
      observe: ({ input, output }) => ({ features: input, prediction: output.score }),
      experiment,
      clock,
      onError,
    });
    // #endregion deployment
  }

  /** Lets time pass: flights land, and what came true is told. */
  async #comeTo(now: number): Promise<void> {
    const { clock } = this.#parts;
    if (now > clock.now()) clock.moveTo(now);
    if (now < this.#nextLook) return;
    this.#nextLook = now - (now % lookEvery) + lookEvery;
    await this.#look();
  }

  async #look(): Promise<void> {
    const now = this.#parts.clock.now();
    const landed = this.#inTheAir.filter((outcome) => outcome.landed <= now);
    this.#inTheAir = this.#inTheAir.filter((outcome) => outcome.landed > now);
    // #region feedback
    for (const { id, label, score } of landed) this.#deployment.feedback({ id, key: id, label, metrics: worthOf(score, label) });
    await this.#deployment.refresh();
    // #endregion feedback
    const candidate = (await this.#deployment.rollout())?.outcome === undefined ? this.#deployment.status().traffic.candidate : undefined;
    if (candidate) await whenReady(this.#deployment, candidate.version);
  }
}

// #region worth
/** What an answer was good for: travellers are warned of a delay that is likelier than not. A warning that came true is worth 1, a false one costs half of that. */
function worthOf(score: number, label: number): Record<string, number> {
  const warned = score > 0.5;
  return { brier: (score - label) ** 2, false_alarm: warned && label === 0 ? 1 : 0, benefit: warned ? (label === 1 ? 1 : -0.5) : 0 };
}
// #endregion worth

/** Resolves when a version can take requests: it is loaded in the real time of the host, while the clock of the story stands still. */
async function whenReady(deployment: Deployment<FlightRow, Forecast>, version: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!deployment.status().versions.some((each) => each.version === version && each.state === 'ready')) return;
      undo();
      resolve();
    };
    const undo = deployment.on('version', look);
    look();
  });
}
