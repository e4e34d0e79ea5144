import type { TensorType, ValueSpec } from '../../core/signature/model-signature.ts';

/** The elements of the tensors that columns are. What is not here has none of its own: it is told as JSON, which is text. */
export const columnTypes: Readonly<Partial<Record<ValueSpec['type'], TensorType>>> = { float64: 'float64', int64: 'int64', string: 'string', bool: 'bool', timestamp: 'string' };
