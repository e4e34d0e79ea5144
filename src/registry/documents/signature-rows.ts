import type { ColumnSpec, DataSpec, ValueSpec } from '../../core/signature/model-signature.ts';

/** What a model takes or gives, a row for each column or tensor: its name, its type, and what else is told of it. */
export function signatureRows(spec: DataSpec): [name: string, type: string, remark: string][] {
  if (spec.type === 'tensors') return spec.tensors.map(({ name, dtype, shape }) => [name, `${dtype}${shape === undefined ? '' : `[${shape.map((size) => size ?? '?').join(', ')}]`}`, '']);
  if (spec.type === 'row') return spec.columns.map((column) => [column.name, typeText(column), remarkOf(column)]);
  return [['', typeText(spec), '']];
}

function typeText(spec: ValueSpec): string {
  const type = spec.type === 'list' ? `list of ${typeText(spec.items)}` : spec.type === 'row' ? `row of ${spec.columns.map(({ name }) => name).join(', ')}` : spec.type;
  return spec.nullable === true ? `${type} or null` : type;
}

function remarkOf({ required = true, description }: ColumnSpec): string {
  return [...(required ? [] : ['optional']), ...(description === undefined ? [] : [description])].join('; ');
}
