import { ValidationError } from '../../core/errors.ts';
import type { AllocationColumn, MetricColumns, UnitTable } from '../unit-table.ts';
import type { AnalyzedDefinition } from './analyze-options.ts';
import type { Grouping } from './unit-sums.ts';

/** The variant of each unit; throws `ValidationError` where table and definition do not belong together. */
export function checkTable({ variants, metrics, control }: AnalyzedDefinition, table: UnitTable): Grouping {
  demand(variants.length >= 2, 'definition.variants', `has ${variants.length} variants; there must be at least two, of which one is the control`);
  demand(control === undefined || variants.some(({ name }) => name === control), 'definition.control', `is '${control}', which is none of the variants`);
  demandNamesOnce('definition.variants', variants);
  demandNamesOnce('definition.metrics', metrics);
  demand(table.variant.length === table.units, 'table.variant', `has ${table.variant.length} places for ${table.units} units`);
  demand(table.exposedAt.length === table.units, 'table.exposedAt', `has ${table.exposedAt.length} places for ${table.units} units`);
  const of = new Int32Array(table.units);
  for (let i = 0; i < of.length; i++) {
    of[i] = table.variant[i]!;
    if (of[i]! >= variants.length) demand(false, `table.variant[${i}]`, `is ${of[i]!}; the definition has ${variants.length} variants`);
  }
  if (table.allocation !== undefined) demandAllocation(table.allocation, variants.length, table.units);
  for (const { name, kind } of metrics) {
    const columns = table.metrics[name];
    const path = `table.metrics.${name}`;
    demand(columns !== undefined, path, 'is missing, and the definition has it');
    demand(columns.kind === kind, path, `is of the kind ${columns.kind}, and the definition has the kind ${kind}`);
    demandColumns(path, columns, table.units);
  }
  return { of, groups: variants.length };
}

function demandColumns(path: string, columns: MetricColumns, units: number): void {
  if (columns.kind === 'quantile') {
    demand(columns.unit.length === columns.value.length, `${path}.unit`, `has ${columns.unit.length} places for ${columns.value.length} values`);
    for (let i = 0; i < columns.unit.length; i++) if (columns.unit[i]! >= units) demand(false, `${path}.unit[${i}]`, `is ${columns.unit[i]!}; there are ${units} units`);
    return;
  }
  const all = columns.kind === 'ratio' ? [columns.numerator, columns.denominator, columns.before?.numerator, columns.before?.denominator] : [columns.value, columns.before];
  for (const column of all) if (column !== undefined) demand(column.length === units, path, `has a column of ${column.length} places for ${units} units`);
}

function demandAllocation({ weights, epoch }: AllocationColumn, variants: number, units: number): void {
  const path = 'table.allocation';
  demand(epoch.length === units, `${path}.epoch`, `has ${epoch.length} places for ${units} units`);
  weights.forEach((row, i) => {
    demand(row.length === variants, `${path}.weights[${i}]`, `has ${row.length} weights for ${variants} variants`);
    demand(row.every((weight) => weight >= 0 && weight < Infinity), `${path}.weights[${i}]`, `is ${row.join(', ')}; weights are 0 or more`);
  });
  for (let i = 0; i < units; i++) if (epoch[i]! >= weights.length) demand(false, `${path}.epoch[${i}]`, `is ${epoch[i]!}; there are ${weights.length} weights`);
}

function demandNamesOnce(path: string, list: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  list.forEach(({ name }, i) => {
    demand(!seen.has(name), `${path}[${i}].name`, `is '${name}', which another has`);
    seen.add(name);
  });
}

function demand(right: boolean, path: string, wrong: string): asserts right {
  if (!right) throw new ValidationError(`${path} ${wrong}.`, { path });
}
