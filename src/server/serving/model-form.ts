import type { ColumnSpec, DataSpec, ModelSignature, TensorsSpec, ValueSpec } from '../../core/signature/model-signature.ts';

/**
 * What a model is asked with: tensors, all in one call; or one input per row, each a call of its own, which batching joins again: an object of columns, or a value where the signature says that a row is a single value or
 * a list. A version without a signature takes rows of columns.
 */
export type ModelForm = TensorForm | RowForm | ValueForm;

/** Takes tensors. */
export interface TensorForm {
  readonly kind: 'tensors';
  readonly spec: TensorsSpec;
}

/** Takes objects of columns. */
export interface RowForm {
  readonly kind: 'rows';
  /** Those that are known. */
  readonly columns: ReadonlyMap<string, ColumnSpec>;
}

/** Takes single values or lists. */
export interface ValueForm {
  readonly kind: 'values';
  readonly spec: ValueSpec;
}

/** What a version is asked with. */
export function formOf(signature: ModelSignature | undefined): ModelForm {
  const input: DataSpec | undefined = signature?.input;
  if (input?.type === 'tensors') return { kind: 'tensors', spec: input };
  if (input === undefined || input.type === 'json') return { kind: 'rows', columns: new Map() };
  if (input.type === 'row') return { kind: 'rows', columns: new Map(input.columns.map((column) => [column.name, column])) };
  return { kind: 'values', spec: input };
}

/** Whether a value of a specification is one value, and no list. */
export function isScalar(spec: ValueSpec | undefined): boolean {
  return spec === undefined || (spec.type !== 'list' && spec.type !== 'row' && spec.type !== 'json');
}
