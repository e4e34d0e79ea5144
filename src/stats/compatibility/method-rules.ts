import { demandOneOf } from '../arguments.ts';
import { demandColumns, isThere, numbersOf, type Column, type ColumnKind } from './column.ts';
import type { MethodRules, MethodScore } from './comparison-method.ts';
import type { DriftScore } from './drift-score.ts';

/** What one rule gives; `test` is the one that was chosen, where the rule chooses. */
export type ScoreColumns = (reference: Column, current: Column, kind: ColumnKind) => DriftScore & { readonly test?: string };

/** What is peculiar to some methods of a system. */
export interface MethodTraits {
  /** Those that read numbers only, whatever the column is. */
  readonly numeric?: readonly string[];
  /** Those that fill empty bins. */
  readonly filled?: readonly string[];
}

/** The rules of a system, from what each of its methods gives. */
export function methodRules(system: MethodScore['system'], rules: Readonly<Record<string, ScoreColumns>>, { numeric = [], filled = [] }: MethodTraits = {}): MethodRules {
  const methods = Object.keys(rules);
  return {
    system,
    methods,
    score(name, reference, current, kind) {
      demandOneOf('method', name, methods);
      demandOneOf('kind', kind, ['num', 'cat']);
      demandColumns(reference, current);
      const { test: method = name, ...found } = rules[name]!(reference, current, kind);
      const count = kind === 'num' || numeric.includes(method) ? (side: Column): number => numbersOf(side).length : valuesIn;
      return {
        system,
        method,
        ...found,
        score: finite(found.score),
        threshold: finite(found.threshold),
        zeroRule: filled.includes(method) ? 'fill' : 'none',
        referenceValues: count(reference),
        currentValues: count(current),
      };
    },
  };
}

function valuesIn(side: Column): number {
  let count = 0;
  for (let i = 0; i < side.length; i++) if (isThere(side[i])) count++;
  return count;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
