import { shown } from '../../core/shown.ts';
import { findMismatch } from '../../core/signature/check-data.ts';
import type { ColumnSpec, DataSpec, ListSpec, ModelSignature, NumberSpec, RowSpec, StringSpec, TensorSpec, TensorsSpec, ValueSpec } from '../../core/signature/model-signature.ts';
import { lowerBound, upperBound } from '../../core/signature/number-bounds.ts';

/** One way in which a model is no replacement for another. */
export interface SignatureDifference {
  /** Where, such as `input.distance`. */
  readonly path: string;
  /** What is different there, in words. */
  readonly reason: string;
}

type Side = 'input' | 'output';
type ScalarSpec = Exclude<ValueSpec, ListSpec | RowSpec>;

/** One comparison: `wide` must allow whatever `narrow` allows. */
interface Comparison {
  readonly side: Side;
  readonly found: SignatureDifference[];
}

/**
 * Why a candidate is no replacement for the incumbent, as far as their signatures tell: it must take whatever the incumbent takes, and give nothing that the
 * incumbent does not give. Types, limits and dimensions may widen for inputs and narrow for outputs. The candidate may take further columns that need not be there,
 * and give further columns. An empty list says that it is a replacement.
 *
 * It never says so wrongly, for all data that {@link checkData} accepts and whose further columns are not the candidate's. It may find differences where there are none:
 * two patterns that are not the same text are taken for different.
 *
 * @example
 * ```ts
 * import { signatureDifferences } from 'modelkeep';
 *
 * const differences = signatureDifferences(
 *   { input: { type: 'row', columns: [{ name: 'distance', type: 'float64', minimum: 1 }] } },
 *   { input: { type: 'row', columns: [{ name: 'distance', type: 'float64', minimum: 0 }] } },
 * );
 * console.log(differences); // [ { path: 'input.distance', reason: 'does not take numbers below 1 any more' } ]
 * ```
 */
export function signatureDifferences(candidate: ModelSignature, incumbent: ModelSignature): SignatureDifference[] {
  const found: SignatureDifference[] = [];
  for (const side of ['input', 'output'] as const) {
    const [before, now] = [incumbent[side], candidate[side]];
    if (before === undefined) continue;
    if (now === undefined) found.push({ path: side, reason: `is not told any more; register the candidate with a signature that has its ${side}` });
    else if (side === 'input') compare(now, before, side, { side, found });
    else compare(before, now, side, { side, found });
  }
  return found;
}

function compare(wide: DataSpec, narrow: DataSpec, path: string, at: Comparison): void {
  if (wide.type === 'tensors' || narrow.type === 'tensors') {
    if (wide.type === 'tensors' && narrow.type === 'tensors') compareTensors(wide, narrow, path, at);
    else differ(at, path, kindOf(narrow));
    return;
  }
  if (narrow.nullable === true && wide.nullable !== true) differ(at, path, 'null');
  if (wide.type === 'json') return;
  if (wide.type === 'row' && narrow.type === 'row') compareRows(wide, narrow, path, at);
  else if (wide.type === 'list' && narrow.type === 'list') compareLists(wide, narrow, path, at);
  else if (isScalar(wide) && isScalar(narrow)) compareScalars(wide, narrow, path, at);
  else differ(at, path, kindOf(narrow));
}

function compareScalars(wide: ScalarSpec, narrow: ScalarSpec, path: string, at: Comparison): void {
  const values = finiteValues(narrow);
  if (values) {
    const lost = values.filter((value) => !findMismatch(narrow, value, '') && findMismatch(wide, value, ''));
    if (lost.length > 0) differ(at, path, lost.map((value) => shown(value)).join(', '));
  } else if (isNumeric(wide) && isNumeric(narrow)) {
    compareNumbers(wide, narrow, path, at);
  } else if (wide.type !== narrow.type) {
    differ(at, path, kindOf(narrow));
  } else if (wide.type === 'string') {
    compareTexts(wide, narrow as StringSpec, path, at);
  }
}

function compareNumbers(wide: NumberSpec, narrow: NumberSpec, path: string, at: Comparison): void {
  const [least, most] = [lowerBound(narrow), upperBound(narrow)];
  if (wide.type === 'int64' && narrow.type === 'float64') return differ(at, path, 'numbers that are no integers');
  if (wide.values) return differ(at, path, `numbers other than ${wide.values.join(', ')}`);
  if (wide.type !== narrow.type && !(least.at >= -(2 ** 53) && most.at <= 2 ** 53)) differ(at, path, 'integers beyond 2^53, which float64 does not hold');
  const [lower, upper] = [lowerBound(wide), upperBound(wide)];
  if (lower.at > least.at || (lower.at === least.at && lower.open && !least.open)) differ(at, path, `numbers below ${lower.at}${lower.open ? ', nor it' : ''}`);
  if (upper.at < most.at || (upper.at === most.at && upper.open && !most.open)) differ(at, path, `numbers above ${upper.at}${upper.open ? ', nor it' : ''}`);
}

function compareTexts(wide: StringSpec, narrow: StringSpec, path: string, at: Comparison): void {
  if (wide.values) differ(at, path, `texts other than ${wide.values.map((value) => shown(value)).join(', ')}`);
  if ((wide.minLength ?? 0) > (narrow.minLength ?? 0)) differ(at, path, `texts of fewer than ${wide.minLength} characters`);
  if ((wide.maxLength ?? Infinity) < (narrow.maxLength ?? Infinity)) differ(at, path, `texts of more than ${wide.maxLength} characters`);
  if (wide.pattern !== undefined && wide.pattern !== narrow.pattern) differ(at, path, `texts that do not match /${wide.pattern}/`);
}

function compareLists(wide: ListSpec, narrow: ListSpec, path: string, at: Comparison): void {
  if ((wide.minItems ?? 0) > (narrow.minItems ?? 0)) differ(at, path, `fewer than ${wide.minItems} values`);
  if ((wide.maxItems ?? Infinity) < (narrow.maxItems ?? Infinity)) differ(at, path, `more than ${wide.maxItems} values`);
  if (narrow.maxItems !== 0) compare(wide.items, narrow.items, `${path}[]`, at);
}

function compareRows(wide: RowSpec, narrow: RowSpec, path: string, at: Comparison): void {
  const byName = new Map(narrow.columns.map((column) => [column.name, column]));
  const known = new Set(wide.columns.map(({ name }) => name));
  for (const column of wide.columns) {
    const other = byName.get(column.name);
    const where = `${path}.${column.name}`;
    if (other) compareColumns(column, other, where, at);
    else if (column.required !== false) at.found.push({ path: where, reason: at.side === 'input' ? 'must be there now' : 'is not given any more' });
  }
  // Whoever reads outputs passes over columns that they do not know.
  if (at.side === 'output' || wide.others !== 'refused') return;
  for (const { name } of narrow.columns) if (!known.has(name)) at.found.push({ path: `${path}.${name}`, reason: 'is not taken any more' });
  if (narrow.others !== 'refused') differ(at, path, 'columns that it does not know');
}

function compareColumns(wide: ColumnSpec, narrow: ColumnSpec, path: string, at: Comparison): void {
  if (wide.required !== false && narrow.required === false) at.found.push({ path, reason: at.side === 'input' ? 'must be there now' : 'may be missing now' });
  compare(wide, narrow, path, at);
}

function compareTensors(wide: TensorsSpec, narrow: TensorsSpec, path: string, at: Comparison): void {
  if (wide.by !== narrow.by) {
    at.found.push({ path, reason: `has tensors that are told apart by ${at.side === 'input' ? wide.by : narrow.by} now` });
  } else if (wide.by === 'position') {
    const [now, before] = at.side === 'input' ? [wide, narrow] : [narrow, wide];
    if (now.tensors.length !== before.tensors.length) at.found.push({ path, reason: `has ${now.tensors.length} tensors where it had ${before.tensors.length}` });
    else wide.tensors.forEach((tensor, i) => compareTensor(tensor, narrow.tensors[i]!, wide.tensors.length === 1 ? path : `${path}[${i}]`, at));
  } else {
    const byName = new Map(narrow.tensors.map((tensor) => [tensor.name, tensor]));
    for (const tensor of wide.tensors) {
      const other = byName.get(tensor.name);
      byName.delete(tensor.name);
      if (other) compareTensor(tensor, other, `${path}.${tensor.name}`, at);
      else at.found.push({ path: `${path}.${tensor.name}`, reason: at.side === 'input' ? 'must be there now' : 'is not given any more' });
    }
    if (at.side === 'input') for (const name of byName.keys()) at.found.push({ path: `${path}.${name}`, reason: 'is not taken any more' });
  }
}

function compareTensor(wide: TensorSpec, narrow: TensorSpec, path: string, at: Comparison): void {
  const [now, before] = at.side === 'input' ? [wide, narrow] : [narrow, wide];
  if (wide.dtype !== narrow.dtype) at.found.push({ path, reason: `is of ${now.dtype} where it was of ${before.dtype}` });
  const { shape } = narrow;
  if (wide.shape === undefined || (shape?.length === wide.shape.length && wide.shape.every((size, i) => size === null || size === shape[i]))) return;
  at.found.push({ path, reason: `has the shape ${shapeOf(now)} where it had ${shapeOf(before)}` });
}

function differ({ side, found }: Comparison, path: string, what: string): void {
  found.push({ path, reason: side === 'input' ? `does not take ${what} any more` : `may give ${what} now` });
}

function finiteValues(spec: ScalarSpec): readonly unknown[] | undefined {
  if (spec.type === 'bool') return spec.values ?? [false, true];
  return 'values' in spec ? spec.values : undefined;
}

function isScalar(spec: ValueSpec): spec is ScalarSpec {
  return spec.type !== 'row' && spec.type !== 'list';
}

function isNumeric(spec: ValueSpec): spec is NumberSpec {
  return spec.type === 'float64' || spec.type === 'int64';
}

function shapeOf({ shape }: TensorSpec): string {
  return shape === undefined ? 'any' : `[${shape.map((size) => size ?? 'any').join(', ')}]`;
}

function kindOf({ type }: DataSpec): string {
  switch (type) {
    case 'float64':
    case 'int64':
      return 'numbers';
    case 'string':
      return 'texts';
    case 'bool':
      return 'truth values';
    case 'timestamp':
      return 'moments';
    case 'json':
      return 'any plain data';
    case 'list':
      return 'lists';
    case 'row':
      return 'rows';
    case 'tensors':
      return 'tensors';
  }
}
