import type { ColumnSpec, DataSpec, ModelSignature, TensorType, ValueSpec } from '../../core/signature/model-signature.ts';
import { elementType } from '../../core/tensors/tensor-types.ts';
import { columnTypes } from './column-types.ts';

/** What a model takes or gives, as both protocols tell it: -1 is any size. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: TensorType;
  /** Absent when it is not known how many dimensions there are. */
  readonly shape?: readonly number[] | undefined;
}

/** The tensors that a side of a signature is. Rows have a first dimension that counts them. */
export function tensorInfos(spec: DataSpec | undefined, only: string): TensorInfo[] {
  if (spec === undefined) return [];
  if (spec.type === 'tensors') return spec.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape: shape?.map((size) => size ?? -1) }));
  const columns: readonly ColumnSpec[] = spec.type === 'row' ? spec.columns : [{ ...spec, name: only }];
  return columns.map((column) => {
    const shape = [-1];
    let inner: ValueSpec = column;
    for (; inner.type === 'list'; inner = inner.items) shape.push(inner.minItems !== undefined && inner.minItems === inner.maxItems ? inner.minItems : -1);
    return { name: column.name, dtype: columnTypes[inner.type] ?? 'string', shape };
  });
}

/** The signature of a model as TensorFlow Serving tells it. */
export function signatureDefOf(signature: ModelSignature | undefined): object {
  return {
    inputs: Object.fromEntries(tensorInfos(signature?.input, 'inputs').map((info) => [info.name, infoOf(info)])),
    outputs: Object.fromEntries(tensorInfos(signature?.output, 'outputs').map((info) => [info.name, infoOf(info)])),
    method_name: 'tensorflow/serving/predict',
  };
}

function infoOf({ name, dtype, shape }: TensorInfo): object {
  return {
    dtype: elementType(dtype)?.tensorflow ?? 'DT_INVALID',
    tensor_shape: { dim: (shape ?? []).map((size) => ({ size: String(size), name: '' })), unknown_rank: shape === undefined },
    name,
  };
}
