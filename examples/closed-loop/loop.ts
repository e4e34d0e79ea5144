import { FeatureStore, Registry, Tracker, type ABTest, type Clock, type PipelineKeeper, type StorageAdapter } from 'modelkeep';
import { airportDelays, landingEvents } from '../flight-delay/airport-delays.ts';
import { FlightBook, readFlights, type Flights } from '../flight-delay/flights.ts';
import { SimulatedClock } from '../flight-delay/simulated-clock.ts';
import { lookAt, startTest } from './challenger-test.ts';
import { labelledRows, someFlights } from './flight-rows.ts';
import type { ModelKind } from './logistic-model.ts';
import { createModel, modelName } from './model-files.ts';
import { day, type Plan } from './plan.ts';
import { defineRetraining, type Retraining, type RetrainingParams } from './retraining.ts';
import { Service } from './service.ts';

/** How many flights come in at once: those of a week. */
const batch = 7 * day;

/** What a simulation is made with. */
export interface LoopOptions {
  readonly storage: StorageAdapter;
  readonly plan: Plan;
  /** Is told what happens, when it does: epoch milliseconds of the story, and a line. */
  readonly tell: (at: number, what: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A model that is served, watched, trained anew, tried and replaced, while the flights of a half-year come and go. All that it remembers is in the store. */
export class ClosedLoop {
  readonly clock: SimulatedClock;
  readonly registry: Registry;
  readonly tracker: Tracker;
  readonly retraining: Retraining;
  readonly #options: LoopOptions;
  readonly #store: FeatureStore;
  readonly #flights = new FlightBook();
  readonly #source: AsyncGenerator<Flights> = readFlights();
  readonly #planned: { readonly at: number; readonly what: (now: number) => Promise<void> }[];
  #knownUntil = 0;
  #service: Service | undefined;
  #keeper: PipelineKeeper | undefined;
  #test: ABTest | undefined;

  constructor(options: LoopOptions) {
    const { storage, plan } = options;
    this.#options = options;
    this.clock = new SimulatedClock(plan.dataFrom);
    const shared: { storage: StorageAdapter; clock: Clock } = { storage, clock: this.clock };
    this.registry = new Registry(shared);
    this.tracker = new Tracker(shared);
    this.#store = new FeatureStore(shared);
    this.retraining = defineRetraining({ ...shared, store: this.#store, tracker: this.tracker, registry: this.registry, flights: this.#flights, plan, rollOut: (version, actor) => this.#rollOut(version, actor) });
    this.#planned = [{ at: plan.mishapAt, what: (now) => this.#trainOnTheFuture(now) }, { at: plan.testAt, what: (now) => this.#challenge(now) }];
  }

  /** Lives through the plan, a day after the other. */
  async live(): Promise<void> {
    const { dataFrom, serviceFrom, end } = this.#options.plan;
    await createModel(this.registry);
    await this.#store.apply([airportDelays]);
    try {
      await this.#knowFlights(dataFrom, serviceFrom);
      await this.#goLive(serviceFrom);
      for (let start = serviceFrom; start < end; start += batch) await this.#liveBatch(start, Math.min(start + batch, end));
    } finally {
      await this.#source.return(undefined);
      await this.#keeper?.close();
      await this.#service?.[Symbol.asyncDispose]();
      await this.#test?.close();
    }
  }

  async #liveBatch(start: number, end: number): Promise<void> {
    const { plan, signal } = this.#options;
    await this.#knowFlights(start, end);
    const asked = someFlights(this.#flights, { start, end }, (plan.requestsPerDay * (end - start)) / day);
    const known = await labelledRows(this.#store, asked, 'departure', signal);
    for (let today = start; today < end; today += day) {
      signal?.throwIfAborted();
      await this.#service!.serve(asked, known, today);
      await this.#endDay(today + day);
    }
  }

  /** Reads on, and gives the landings to the feature store. It may know them early: nothing of a flight is seen before it has landed, for a join looks at what was before the moment that it is asked for. */
  async #knowFlights(start: number, end: number): Promise<void> {
    while (this.#knownUntil < end) {
      const next = await this.#source.next();
      if (next.done) break;
      this.#flights.add(next.value);
      this.#knownUntil = next.value.departure.at(-1)!;
    }
    await this.#store.ingest('airport_delays', landingEvents(this.#flights.departing({ start, end })));
  }

  async #goLive(now: number): Promise<void> {
    this.clock.moveTo(now);
    const { storage, plan } = this.#options;
    await this.#retrain({ until: now }, 'ann', 'there is none yet');
    this.#service = await Service.open({ storage, registry: this.registry, clock: this.clock, window: plan.window, onError: (error) => this.#tell(`! ${String(error)}`) });
    // #region trigger
    const { pipeline } = this.retraining;
    await pipeline.triggerOn(this.#service.monitor.alerts({ kinds: ['data-drift'], status: 'firing' }), {
      name: 'drift',
      params: async ({ at }) => ({ until: at, kind: await this.#kindInProduction() }),
    });
    this.#keeper = pipeline.start();
    // #endregion trigger
    await this.#keeper.idle();
  }

  /** What a model in production looks at, so does the one that is to take its place. */
  async #kindInProduction(): Promise<ModelKind> {
    const { tags } = await this.registry.getVersion(`${modelName}@production`);
    return tags['kind'] as ModelKind;
  }

  /** What the last step of the pipeline does with a version. */
  async #rollOut(version: number, actor: { readonly by: string; readonly reason: string }): Promise<string> {
    if (this.#test) return 'nothing: a test decides which version serves';
    if (this.#service) {
      await this.#service.rollOut(version, actor);
      return 'a rollout was started';
    }
    // Something must serve before there is anything to be compared with.
    await this.registry.promote(`${modelName}@${version}`, 'production', actor);
    return 'it is in production';
  }

  async #endDay(now: number): Promise<void> {
    const verdict = await this.#service!.endDay(now);
    if (verdict) this.#tell(verdict.summary);
    await this.#keeper!.idle();
    if (this.#test) await this.#judgeTest(this.#test);
    else if (!(await this.#service!.isRollingOut())) await this.#doWhatIsPlanned(now);
  }

  /** What people do, one thing after the other, when nothing else goes on. */
  async #doWhatIsPlanned(now: number): Promise<void> {
    const [next] = this.#planned;
    if (next === undefined || now < next.at) return;
    this.#planned.shift();
    await next.what(now);
  }

  /** Somebody joins the features at the landing, where they know the flight itself: the model looks good, and is not. */
  async #trainOnTheFuture(now: number): Promise<void> {
    await this.#retrain({ until: now, kind: 'recent', join: 'landing' }, 'someone in a hurry', 'a far better AUC');
  }

  /** Trains a model of another kind, and has a test decide whether it is better. */
  async #challenge(now: number): Promise<void> {
    const challenger = await this.#retrain({ until: now, kind: 'recent', rollOut: false }, 'ann', 'does it help to look at the last hours too?');
    const { production } = await this.registry.getModel(modelName);
    this.#test = await startTest(this.#options.storage, this.clock, { current: production!, challenger });
    await this.#service!.testBy(this.#test);
  }

  async #judgeTest(test: ABTest): Promise<void> {
    const { decision } = await lookAt(test);
    if (decision.action === 'keep running') return;
    const by = 'ann';
    const reason = decision.reasons[0]!;
    // #region decision
    await test.stop({ ship: decision.variant, decision, by, reason });
    await this.#service!.testBy(undefined);
    const shipped = test.variants.find(({ name }) => name === decision.variant)?.version;
    const { production } = await this.registry.getModel(modelName);
    if (shipped !== undefined && shipped !== production) await this.registry.promote(`${modelName}@${shipped}`, 'production', { by, reason });
    // #endregion decision
    await test.close();
    this.#test = undefined;
    this.#tell(`the test says ${decision.action} ${decision.variant ?? ''}: ${reason}`);
  }

  /** Runs the pipeline by hand, and gives the version that it made. */
  async #retrain(params: RetrainingParams, by: string, reason: string): Promise<number> {
    const { pipeline, registered } = this.retraining;
    const result = await pipeline.run({ params, by, reason, signal: this.#options.signal });
    this.#tell(`${by} ran ${pipeline.name}: ${result.status}`);
    return result.output(registered);
  }

  #tell(what: string): void {
    this.#options.tell(this.clock.now(), what);
  }
}
