import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../../src/pipelines/run-state.ts';
import { triggerRules, triggerVerdict, type Tally } from '../../../src/pipelines/trigger-rule.ts';
import { naiveVerdict, type Ending } from './naive-rules.ts';
import { expectedEndings, graphOf, randomRuns, type RandomRun } from './random-plans.ts';
import { Simulation } from './simulation.ts';

type Picks = Iterator<number, unknown>;

const pick = <T>(choices: readonly T[], picks: Picks): T => choices[(picks.next().value as number) % choices.length]!;

/** Lets one to three of the possible events happen, which one decision sees. */
function step(simulation: Simulation, picks: Picks): void {
  const left = [...simulation.choices];
  const chosen = Array.from({ length: 1 + ((picks.next().value as number) % 3) }, () => (left.length === 0 ? [] : left.splice((picks.next().value as number) % left.length, 1))).flat();
  simulation.happen(chosen);
}

function outcome({ plan }: RandomRun, endings: ReadonlyMap<string, Ending>, otherwise: RunOutcome): RunOutcome {
  const good = plan.steps.every(({ name, allowFailure }) => {
    const ending = endings.get(name)!;
    return ending === 'succeeded' || ending === 'skipped' || (allowFailure && ending !== 'cancelled');
  });
  return good ? 'succeeded' : otherwise;
}

const picks = fc.infiniteStream(fc.nat());

describe('triggerVerdict', () => {
  it('says of every combination of up to five endings what trying the rest says', () => {
    const kinds: readonly Ending[] = ['succeeded', 'failed', 'skipped', 'upstream_failed', undefined];
    const combinations = (length: number): Ending[][] => (length === 0 ? [[]] : combinations(length - 1).flatMap((rest) => kinds.map((kind) => [...rest, kind])));
    const count = (endings: readonly Ending[], kind: Ending): number => endings.filter((ending) => ending === kind).length;
    let asked = 0;
    for (const endings of [0, 1, 2, 3, 4, 5].flatMap(combinations)) {
      const tally: Tally = { succeeded: count(endings, 'succeeded'), failed: count(endings, 'failed'), skipped: count(endings, 'skipped'), upstreamFailed: count(endings, 'upstream_failed') };
      for (const rule of triggerRules) {
        const [said, tried] = [triggerVerdict(rule, tally, endings.length), naiveVerdict(rule, endings)];
        if (said !== tried) expect.unreachable(`${rule} over ${endings.map(String).join()}: ${said}, and not ${tried}`);
        asked++;
      }
    }
    expect(asked).toBe(12 * (1 + 5 + 25 + 125 + 625 + 3125));
  });
});

describe('decide, over random graphs, rules, kinds of steps, pools and items', () => {
  it('keeps every promise at every moment, ends as the graph says in whatever order, and again from any record of it', () => {
    let [told, crashes] = [0, 0];
    fc.assert(
      fc.property(randomRuns, picks, fc.constantFrom(0, 5, 12), (run, stream, crashOften) => {
        const simulation = new Simulation(run);
        for (let turn = 0; simulation.state.status === 'running' || simulation.state.status === 'waiting'; turn++) {
          expect(turn).toBeLessThan(1_000);
          const isParked = simulation.state.status === 'waiting';
          if (isParked || (crashOften > 0 && turn < 60 && (stream.next().value as number) % crashOften === 0)) {
            simulation.assertReplays();
            simulation.begin(simulation.asked.filter((_, i) => (isParked && i === 0) || (stream.next().value as number) % 2 === 0));
            crashes++;
          } else step(simulation, stream);
        }
        simulation.assertReplays();
        simulation.assertOver();
        const endings = simulation.endings();
        expect(simulation.state.status).toBe(outcome(run, endings, 'failed'));
        const expected = expectedEndings(run);
        if (expected) expect(endings).toEqual(expected);
        told += Number(expected !== undefined);
      }),
      { numRuns: 250 },
    );
    // Most graphs come to one end, and processes die in many.
    expect([told > 150, crashes > 100]).toEqual([true, true]);
  });

  it('stops at any moment, by a word, the time of the run or those of its units: what is at the end runs, nothing else begins, and each has one end', () => {
    const stopped = { cancelled: 0, timeout: 0, overrun: 0 };
    fc.assert(
      fc.property(randomRuns, picks, fc.nat(12), fc.constantFrom('cancel', 'expire', 'overrun'), (run, stream, moment, how) => {
        const simulation = new Simulation(run, how === 'expire' ? { limitMs: 1e9, since: 0 } : undefined, false);
        const before = new Map<string, Ending>();
        for (let turn = 0; simulation.state.status === 'running'; turn++) {
          expect(turn).toBeLessThan(1_000);
          if (how === 'overrun' && simulation.deadlines.length > 0 && (stream.next().value as number) % 4 === 0) {
            simulation.happen([pick(simulation.deadlines, stream)]);
            stopped.overrun++;
          } else if (how !== 'overrun' && turn === moment) {
            const open = run.plan.steps.some(({ name, final }) => !final && simulation.endings().get(name) === undefined);
            for (const [name, ending] of simulation.endings()) if (ending !== undefined) before.set(name, ending);
            const { running } = simulation;
            const commands = how === 'cancel' ? simulation.cancel() : simulation.expire();
            const aborted = commands.flatMap((command) => (command.type === 'abort' ? [`${command.index ?? ''}:${command.step}`] : []));
            const isFinalStep = (unit: string): boolean => run.plan.steps[run.plan.indexOf.get(unit.slice(unit.indexOf(':') + 1))!]!.final;
            expect([...aborted].sort()).toEqual((open ? running.filter((unit) => !isFinalStep(unit)) : []).sort());
            if (open) stopped[how === 'cancel' ? 'cancelled' : 'timeout']++;
          } else step(simulation, stream);
        }
        simulation.assertReplays();
        simulation.assertOver();
        const endings = simulation.endings();
        for (const [name, ending] of before) expect(endings.get(name)).toBe(ending);
        const { stopping, failure, status } = simulation.state;
        expect([stopping, failure?.code]).toEqual([[undefined, undefined], ['cancelled', undefined], ['run-timeout', 'timeout']].find(([reason]) => reason === stopping));
        expect(status).toBe(stopping === 'run-timeout' ? 'failed' : outcome(run, endings, stopping ?? 'failed'));
      }),
      { numRuns: 200 },
    );
    expect(Math.min(stopped.cancelled, stopped.timeout, stopped.overrun)).toBeGreaterThan(15);
  });

  it('takes the successes that a former owner had still recorded, whatever became of those units here', () => {
    let adopted = 0;
    fc.assert(
      fc.property(randomRuns, picks, (run, stream) => {
        const simulation = new Simulation(run, undefined, false);
        const taken = new Set<string>();
        for (let turn = 0; simulation.state.status === 'running'; turn++) {
          expect(turn).toBeLessThan(1_000);
          // What a step has of items is recorded with them.
          const possible = simulation.choices.filter(({ unit }) => unit.index !== undefined || run.scripts.get(unit.step)!.then !== 'lists');
          if (possible.length > 0 && (stream.next().value as number) % 4 === 0) {
            const found = pick(possible, stream);
            if (found.unit.index === undefined) taken.add(found.unit.step);
            simulation.adopt(found);
            adopted++;
          } else step(simulation, stream);
        }
        simulation.assertReplays();
        simulation.assertOver();
        const endings = simulation.endings();
        for (const name of taken) expect(endings.get(name)).toBe('succeeded');
        expect(simulation.state.status).toBe(outcome(run, endings, 'failed'));
      }),
      { numRuns: 150 },
    );
    expect(adopted).toBeGreaterThan(50);
  });

  it('starts of those that became ready together the first of the graph, and of all the most urgent', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ edges: fc.array(fc.nat(), { maxLength: 2 }), priority: fc.nat(1), declines: fc.boolean(), trigger: fc.constantFrom('all_done', 'all_success', 'none_failed', 'all_skipped') }), { minLength: 2, maxLength: 10 }), picks, (steps, stream) => {
        const run = graphOf(steps);
        const simulation = new Simulation(run);
        const turns = new Map<string, number>(run.plan.steps.flatMap(({ name, upstream }) => (upstream.length === 0 ? [[name, 0] as const] : [])));
        for (let turn = 1; simulation.state.status === 'running'; turn++) {
          const commands = simulation.happen([pick(simulation.choices, stream)]);
          const waiting = [...simulation.state.ready].map((unit) => run.plan.steps[unit]!.name);
          const begun = commands.flatMap((command) => (command.type === 'execute' ? [command.step] : []));
          for (const name of [...begun, ...waiting]) if (!turns.has(name)) turns.set(name, turn);
          const place = (name: string): [number, number, number] => [-run.plan.steps[run.plan.indexOf.get(name)!]!.priority!, turns.get(name)!, run.plan.indexOf.get(name)!];
          for (const [i, name] of begun.entries()) for (const other of [...begun.slice(i + 1), ...waiting]) expect(compare(place(name), place(other)), `${name} before ${other}`).toBeLessThan(0);
        }
      }),
      { numRuns: 200 },
    );
  });
});

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, at) => value !== b[at]);
  return i < 0 ? 0 : a[i]! - b[i]!;
}
