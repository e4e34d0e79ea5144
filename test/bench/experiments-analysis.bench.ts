import { analyzeUnits, type AnalyzedDefinition, type UnitTable } from 'modelkeep';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { measure, type Benchmark } from './harness.ts';

const units = 1_000_000;

const definition: AnalyzedDefinition = {
  variants: [{ name: 'A' }, { name: 'B' }],
  metrics: [
    { name: 'converted', kind: 'proportion', role: 'primary' },
    { name: 'spent', kind: 'mean', before: '14d', winsorize: { upper: { quantile: 0.99 } } },
    { name: 'basket', kind: 'ratio', numerator: 'spent', denominator: 'orders' },
    { name: 'visits', kind: 'count', role: 'guardrail', margin: 0.02 },
  ],
};

function drawn(): UnitTable {
  const generator = new SeededGenerator(7);
  const column = (of: () => number): Float64Array => Float64Array.from({ length: units }, of);
  const exponential = (): number => -Math.log(1 - generator.uniform());
  return {
    units,
    variant: Uint16Array.from({ length: units }, () => generator.below(2)),
    exposedAt: column(() => 1_700_000_000_000 + generator.below(1_000_000_000)),
    metrics: {
      converted: { kind: 'proportion', value: column(() => (generator.uniform() < 0.1 ? 1 : 0)) },
      spent: { kind: 'mean', value: column(exponential), before: column(exponential) },
      basket: { kind: 'ratio', numerator: column(exponential), denominator: column(() => generator.below(5)) },
      visits: { kind: 'count', value: column(() => generator.below(10)) },
    },
    segments: {},
    crossed: 0,
    unknown: 0,
  };
}

export const benchmarks: Benchmark[] = [
  measure('Analysis of 1M users, four metrics, one with CUPED and extremes taken in', (table: UnitTable) => analyzeUnits(definition, table).decision.action, { setup: drawn, runs: 7, target: { atMost: 200 } }),
];
