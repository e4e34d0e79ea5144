import { expect } from 'vitest';
import { decide } from '../../../src/pipelines/reducer.ts';
import type { RunCommand, RunEvent } from '../../../src/pipelines/run-event.ts';
import { countItems } from '../../../src/pipelines/items.ts';
import { counted, initialState, isAsking, isFinal, isTimed, unbegun, type RunState, type StepState } from '../../../src/pipelines/run-state.ts';
import type { RunTimeout } from '../../../src/pipelines/timeouts.ts';
import type { StepSpec } from '../../../src/pipelines/plan.ts';
import { unitKey, unitName, type UnitName } from '../../../src/pipelines/units.ts';
import type { StepWait } from '../../../src/pipelines/waiting/wait.ts';
import { naiveVerdict, type Ending } from './naive-rules.ts';
import { poolSizes, type RandomRun } from './random-plans.ts';

/** Something that may come next, by what the commands have asked for. */
interface Possible {
  readonly unit: UnitName;
  readonly is: 'attempt-end' | 'retry' | 'wait-end' | 'deadline';
  readonly attempt: number;
}

interface Unit {
  readonly name: UnitName;
  readonly state: StepState;
  readonly spec: StepSpec;
}

const failure = { name: 'Error', message: 'no' };

/**
 * Carries the commands of decisions out in imagination, for one process after another, and holds every decision to what a run promises, by looks at the whole state that know nothing of how it is kept.
 */
export class Simulation {
  readonly #run: RandomRun;
  readonly #timeout: RunTimeout | undefined;
  readonly #parks: boolean;
  readonly #records = new Map<string, { readonly unit: UnitName; readonly state: StepState }>();
  readonly #succeeded = new Set<string>();
  #possible = new Map<string, Possible>();
  #executed = new Set<string>();
  #log: RunEvent[][] = [];
  #restored: ReadonlyMap<string, StepState> = new Map();
  state!: RunState;
  now = 0;

  /** @param parks - Whether the run is let go of while it waits for somebody. */
  constructor(run: RandomRun, timeout?: RunTimeout, parks = true) {
    this.#run = run;
    this.#timeout = timeout;
    this.#parks = parks;
    this.begin();
  }

  /** Steps that wait for somebody. */
  get asked(): readonly string[] {
    return this.#run.plan.steps.flatMap(({ name }) => (isAsking(this.state.units.named({ step: name })) ? [name] : []));
  }

  /** Another process goes on with what is recorded; of some of the steps that wait for somebody it finds that they were decided about. */
  begin(decided: readonly string[] = []): void {
    this.#restored = new Map([...this.#records.values()].flatMap(({ unit, state }) => (unit.index === undefined && lasts(state) ? [[unit.step, withoutItems(unbegun(state))] as const] : [])));
    this.#possible = new Map();
    this.#executed = new Set();
    this.#log = [];
    this.state = this.#initial();
    this.#post([{ type: 'started', at: ++this.now }, ...decided.map((name) => this.#eventOf({ unit: { step: name }, is: 'wait-end', attempt: 0 }))]);
  }

  #initial(): RunState {
    return initialState(this.#run.plan, this.#run.concurrency, this.#restored, this.#timeout, this.#parks);
  }

  get choices(): readonly Possible[] {
    return [...this.#possible.values()].filter(({ is }) => is !== 'deadline');
  }

  get deadlines(): readonly Possible[] {
    return [...this.#possible.values()].filter(({ is }) => is === 'deadline');
  }

  /** Units that run, by the commands. */
  get running(): readonly string[] {
    return this.choices.flatMap(({ is, unit }) => (is === 'attempt-end' ? [unitKey(unit)] : []));
  }

  endings(): Map<string, Ending> {
    return new Map(this.#run.plan.steps.map(({ name }) => [name, this.#endingOf(name)]));
  }

  #endingOf(step: string): Ending {
    const { status } = this.state.units.named({ step });
    return isFinal(status) ? (status as Ending) : undefined;
  }

  /** Lets some of what is possible happen, all seen by one decision. */
  happen(chosen: readonly Possible[]): readonly RunCommand[] {
    for (const { unit, is } of chosen) this.#possible.delete(possibleKey(unit, is));
    return this.#post(chosen.map((each) => this.#eventOf(each)));
  }

  /** A success is found that a former owner of the run had still recorded; what the attempt at it here comes to afterwards changes nothing. */
  adopt(found: Possible): void {
    const { unit, is, attempt } = found;
    this.#possible.delete(possibleKey(unit, is));
    this.#post([{ type: 'found-succeeded', at: ++this.now, ...unit, durationMs: 1 }]);
    const { state } = this;
    const late: RunEvent[] = [{ type: 'attempt-succeeded', at: this.now, ...unit, attempt, durationMs: 9 }, { type: 'retry-due', at: this.now, ...unit }, { type: 'wait-over', at: this.now, ...unit, failure }];
    const [next, commands] = decide(this.#run.plan, state, ...late);
    expect([next, commands]).toEqual([state, []]);
  }

  cancel(): readonly RunCommand[] {
    return this.#post([{ type: 'cancelled', at: ++this.now }]);
  }

  expire(): readonly RunCommand[] {
    return this.#post([{ type: 'deadline-due', at: ++this.now }]);
  }

  #eventOf({ unit, is, attempt }: Possible): RunEvent {
    const at = ++this.now;
    const { step, index } = unit;
    const script = this.#run.scripts.get(step)!;
    if (is === 'deadline') return { type: 'deadline-due', at, ...unit };
    if (is === 'retry') return { type: 'retry-due', at, ...unit };
    if (is === 'wait-end') return { type: 'wait-over', at, ...unit, failure: script.then === 'is-refused' ? failure : undefined };
    const base = { at, ...unit, attempt };
    const soFar = this.#records.get(unitKey(unit))?.state.failures.length ?? 0;
    const failures = index === undefined ? script.failures : script.items[index]!;
    if (soFar < failures) return { ...base, type: 'attempt-failed', durationMs: 1, failure, retryable: true, chance: 0 };
    if (index !== undefined || script.then === 'succeeds') return { ...base, type: 'attempt-succeeded', durationMs: 1 };
    if (script.then === 'declines') return { ...base, type: 'declined' };
    if (script.then === 'lists') return { type: 'items-listed', at, step, attempt, count: script.items.length, known: this.#knownItems(step) };
    const wait: StepWait = script.then === 'sleeps' ? { kind: 'sleep', since: at, until: at + 5 } : { kind: 'approval', since: at, asks: 'Go?' };
    return { ...base, type: 'waits', durationMs: 1, wait };
  }

  #knownItems(step: string): ReadonlyMap<number, StepState> {
    return new Map([...this.#records.values()].flatMap(({ unit, state }) => (unit.step === step && unit.index !== undefined && lasts(state) ? [[unit.index, unbegun(state)] as const] : [])));
  }

  #post(events: readonly RunEvent[]): readonly RunCommand[] {
    this.#log.push([...events]);
    const [state, commands] = decide(this.#run.plan, this.state, ...events);
    this.state = state;
    for (const command of commands) this.#carryOut(command);
    this.#assertSound();
    return commands;
  }

  #carryOut(command: RunCommand): void {
    if (command.type === 'record') this.#record(unitName(command));
    if (command.type === 'execute') this.#begin(unitName(command), command.attempt);
    if (command.type === 'wait') this.#offer(unitName(command), 'retry');
    if (command.type === 'await') this.#offer(unitName(command), 'wait-end');
    if (command.type === 'deadline' && command.step !== undefined) this.#offer({ step: command.step, index: command.index }, 'deadline');
  }

  #offer(unit: UnitName, is: Possible['is'], attempt = 0): void {
    const key = possibleKey(unit, is);
    hold(!this.#possible.has(key), `${key} is asked for once`);
    this.#possible.set(key, { unit, is, attempt });
  }

  #record(unit: UnitName): void {
    const key = unitKey(unit);
    const state = this.state.units.named(unit);
    const before = this.#records.get(key)?.state;
    hold(!before || !isFinal(before.status) || !lasts(before), `${key} ends once`);
    this.#records.set(key, { unit, state });
    if (!isFinal(state.status)) return;
    // What the executor has a timer for, it undoes when the unit has ended.
    for (const is of ['retry', 'wait-end', 'deadline'] as const) this.#possible.delete(possibleKey(unit, is));
    if (state.status === 'succeeded') this.#succeeded.add(key);
  }

  #begin(unit: UnitName, attempt: number): void {
    const key = unitKey(unit);
    hold(!this.#executed.has(`${key} ${attempt}`), `attempt ${attempt} at ${key} is asked for once`);
    hold(!this.#succeeded.has(key), `${key}, which has succeeded, does not run again`);
    this.#executed.add(`${key} ${attempt}`);
    this.#offer(unit, 'attempt-end', attempt);
    const { final, trigger, upstream } = this.#spec(unit.step);
    hold(naiveVerdict(trigger, upstream.map((source) => this.#endingOf(source))) === 'run', `${key} runs when its trigger says so`);
    if (final) hold(this.#run.plan.steps.every((step) => step.final || this.#endingOf(step.name) !== undefined), `${key} runs at the end`);
    else hold(this.state.stopping === undefined, `${key} does not begin in a run that is stopped`);
  }

  #spec(step: string): StepSpec {
    return this.#run.plan.steps[this.#run.plan.indexOf.get(step)!]!;
  }

  /** What holds after every decision. */
  #assertSound(): void {
    const { state } = this;
    const units = Array.from({ length: state.units.length }, (_, unit): Unit => ({ name: state.units.nameOf(unit), state: state.units.at(unit), spec: this.#run.plan.steps[state.units.stepOf(unit)]! }));
    const atWork = units.filter((unit) => unit.state.status === 'running' && unit.state.items === undefined);
    hold(atWork.every(({ name }) => this.#possible.has(possibleKey(name, 'attempt-end'))) && atWork.length === this.running.length, 'what runs is what was begun');
    hold(atWork.length === state.running && state.running <= state.concurrency, `${atWork.length} run, ${state.running} are counted, ${state.concurrency} may`);
    for (const [pool, size] of poolSizes) hold(slotsOf(pool, atWork) <= size, `no more than ${size} slots of ${pool} are taken`);
    hold(state.timed === units.filter((unit) => isTimed(unit.state)).length, 'those that go on by the time alone are counted');
    hold(state.asking === units.filter((unit) => isAsking(unit.state)).length, 'those that wait for somebody are counted');
    this.#assertItems(units);
    this.#assertSteps();
    this.#assertNothingIdles(atWork);
  }

  #assertItems(units: readonly Unit[]): void {
    for (const { spec, name, state } of units) {
      if (name.index !== undefined || state.items === undefined) continue;
      const items = units.filter((unit) => unit.spec === spec && unit.name.index !== undefined).map((unit) => unit.state);
      // A success that an earlier process recorded has no items in this one.
      if (items.length > 0) expect(state.items).toEqual(countItems(items));
      hold(isFinal(state.status) || items.some(({ status }) => !isFinal(status)), `${name.step} ends when its items have ended`);
      hold(items.filter(({ status }) => status === 'running').length <= (spec.items?.concurrency ?? Infinity), `no more items of ${name.step} run than may`);
    }
  }

  #assertSteps(): void {
    const { state } = this;
    const { steps, upstream } = this.#run.plan;
    const open = steps.filter(({ name }) => this.#endingOf(name) === undefined);
    const openBefore = open.filter(({ final }) => !final);
    hold(state.open === open.length && state.openBefore === openBefore.length, 'the steps that are open are counted');
    for (const [i, step] of steps.entries()) {
      const tally = upstream[i]!.reduce((sum, source) => counted(sum, state.units.at(source).status), { succeeded: 0, failed: 0, skipped: 0, upstreamFailed: 0 });
      hold(JSON.stringify(state.tallies.at(i)) === JSON.stringify(tally), `how the steps before ${step.name} ended is counted`);
      if (state.units.at(i).status !== 'pending' || state.ready.has(i) || (step.final ? openBefore.length > 0 : state.stopping)) continue;
      hold(naiveVerdict(step.trigger, step.upstream.map((source) => this.#endingOf(source))) === 'wait', `${step.name} is not left behind`);
    }
  }

  /** Nothing that may start waits while there is room for it. */
  #assertNothingIdles(atWork: readonly Unit[]): void {
    const { state } = this;
    if (atWork.length >= state.concurrency) return;
    const ready = [...state.ready].map((unit) => this.#run.plan.steps[state.units.stepOf(unit)]!);
    hold(ready.every(({ pool }) => pool !== undefined), 'what is in no pool starts when there is room');
    for (const [pool, size] of poolSizes) {
      const line = ready.filter((each) => each.pool === pool);
      const first = Math.max(...line.map(({ priority = 0 }) => priority));
      const free = size - slotsOf(pool, atWork);
      // Whichever of the highest priority stands first: it needs more than is free.
      hold(line.length === 0 || line.some(({ priority, slots = 1 }) => priority === first && slots > free), `nothing waits for ${pool} that there is room for`);
    }
  }

  /** What happened in this process, from what it began with, comes to this state again. */
  assertReplays(): void {
    const replayed = this.#log.reduce((state, events) => decide(this.#run.plan, state, ...events)[0], this.#initial());
    expect(replayed).toEqual(this.state);
  }

  /** Nothing is left to do. */
  assertOver(): void {
    expect([...this.endings().values()]).not.toContain(undefined);
    expect([...this.state.ready]).toEqual([]);
    expect(this.choices).toEqual([]);
    expect([this.state.running, this.state.timed, this.state.asking, this.state.open]).toEqual([0, 0, 0, 0]);
  }
}

function hold(condition: boolean, what: string): void {
  if (!condition) expect.unreachable(`it does not hold that ${what}`);
}

function slotsOf(pool: string, units: readonly Unit[]): number {
  return units.reduce((sum, { spec }) => sum + (spec.pool === pool ? (spec.slots ?? 1) : 0), 0);
}

function possibleKey(unit: UnitName, is: Possible['is']): string {
  return `${is} ${unitKey(unit)}`;
}

/** What of a record of this round still holds for the next process: all else follows from that. */
function lasts({ status }: StepState): boolean {
  return status !== 'upstream_failed' && status !== 'cancelled' && status !== 'pending';
}

/** Which items a step has that has not ended is told by its next attempt. */
function withoutItems(state: StepState): StepState {
  return isFinal(state.status) ? state : { ...state, items: undefined };
}
