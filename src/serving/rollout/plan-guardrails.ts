import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { BoundGuardrail, ComparedGuardrail, Guardrail, GuardrailMetric, PlannedGuardrail } from './guardrail.ts';
import { sampleRatio } from './rollout-reducer.ts';

/** Makes guardrails ready to be judged. A bound on both sides becomes two. */
export function planGuardrails(guardrails: readonly Guardrail[], minSamples: number): readonly PlannedGuardrail[] {
  const names = new Set([sampleRatio]);
  const planned: PlannedGuardrail[] = [];
  guardrails.forEach((guardrail, i) => {
    const path = `options.guardrails[${i}]`;
    for (const each of plansOf(guardrail, minSamples, path)) {
      if (each.name === '__proto__' || (each.kind !== 'check' && each.metric.kind === 'values' && each.metric.name === '__proto__')) throw new ValidationError(`${path} has something called '__proto__', which would be lost; give it another name.`, { path });
      if (names.has(each.name)) throw new ValidationError(`${path}: there is a guardrail '${each.name}' already; give it another name.`, { path: `${path}.name` });
      names.add(each.name);
      planned.push(each);
    }
  });
  return planned;
}

function plansOf(guardrail: Guardrail, fewest: number, path: string): readonly PlannedGuardrail[] {
  if ('check' in guardrail) return [{ kind: 'check', name: guardrail.name ?? guardrail.check, check: guardrail.check }];
  const metric = metricOf(guardrail, path);
  if (metric === undefined) return [driftOf(guardrail, path)];
  const { require = 'no-harm', minSamples = fewest } = guardrail;
  const common = { metric, require, minSamples };
  return 'notWorseThan' in guardrail ? [{ ...common, ...comparisonOf(guardrail, metric, path) }] : boundsOf(guardrail, metric, path).map((bound) => ({ ...common, ...bound }));
}

function driftOf(guardrail: BoundGuardrail | ComparedGuardrail, path: string): PlannedGuardrail {
  if ('notWorseThan' in guardrail || guardrail.max !== undefined || guardrail.min !== undefined) {
    throw new ValidationError(`${path}: drift has no bound here; what counts as drift is the monitor's to say.`, { path });
  }
  return { kind: 'check', name: guardrail.name ?? 'drift', check: 'drift' };
}

function comparisonOf({ metric: text, name, ratio = 1, margin = 0, goal }: ComparedGuardrail, metric: GuardrailMetric, path: string) {
  const own = metric.kind === 'values';
  if (goal !== undefined && !own) throw new ValidationError(`${path}.goal: of ${text} less is better; a goal is for metrics of your own.`, { path: `${path}.goal` });
  const direction = goal ?? (own ? 'increase' : 'decrease');
  if (direction === 'decrease' ? ratio < 1 : ratio > 1) {
    throw new ValidationError(`${path}.ratio is ${shown(ratio)}; of ${text} ${direction === 'decrease' ? 'less is better, so that it is at least 1' : 'more is better, so that it is at most 1'}.`, { path: `${path}.ratio` });
  }
  const bound = [ratio === 1 ? '' : ` ratio ${ratio}`, margin === 0 ? '' : ` margin ${margin}`].join('');
  return { kind: 'comparison', name: name ?? `${text} not worse than stable${bound}`, goal: direction, ratio, margin } as const;
}

function boundsOf({ metric: text, name, max, min }: BoundGuardrail, metric: GuardrailMetric, path: string) {
  if (max === undefined && min === undefined) throw new ValidationError(`${path} has no bound: give max, min or notWorseThan.`, { path });
  if (min !== undefined && metric.kind !== 'values') throw new ValidationError(`${path}.min: of ${text} less is better; give max.`, { path: `${path}.min` });
  for (const [side, bound] of Object.entries({ max, min })) {
    if (metric.kind === 'values' && metric.proportion && bound !== undefined && (bound < 0 || bound > 1)) throw new ValidationError(`${path}.${side} is ${shown(bound)}; a share is between 0 and 1.`, { path: `${path}.${side}` });
  }
  if (max !== undefined && max < 0 && metric.kind !== 'values') throw new ValidationError(`${path}.max is ${shown(max)}; ${text} is never below 0.`, { path: `${path}.max` });
  const both = max !== undefined && min !== undefined;
  const sides = [['max', max] as const, ['min', min] as const];
  return sides.flatMap(([side, bound]) => (bound === undefined ? [] : [{ kind: 'bound', side, bound, name: name === undefined ? `${text} ${side} ${bound}` : both ? `${name} ${side}` : name } as const]));
}

/** What a name measures; `undefined` for drift. */
function metricOf(guardrail: BoundGuardrail | ComparedGuardrail, path: string): GuardrailMetric | undefined {
  const { metric: text, kind }: BoundGuardrail = guardrail;
  if (kind !== undefined && (text === 'drift' || text === 'error_rate' || text.startsWith('latency_'))) throw new ValidationError(`${path}.kind: what ${text} is is known; a kind is for metrics of your own.`, { path: `${path}.kind` });
  if (text === 'drift') return undefined;
  if (text === 'error_rate') return { kind: 'errors' };
  const quantile = /^latency_p(\d{1,2}(?:\.\d{1,4})?)$/.exec(text)?.[1];
  if (quantile !== undefined && Number(quantile) > 0) return { kind: 'latency', probability: Number(quantile) / 100 };
  if (text.startsWith('latency_')) throw new ValidationError(`${path}.metric is ${shown(text)}; a latency is a quantile such as latency_p50, latency_p99 or latency_p99.9.`, { path: `${path}.metric` });
  return { kind: 'values', name: text, proportion: kind === 'proportion' };
}
