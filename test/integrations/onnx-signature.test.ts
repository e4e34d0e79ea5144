import { describe, expect, it } from 'vitest';
import { onnxSignature } from '../../src/integrations/onnx/onnx-signature.ts';

describe('onnxSignature', () => {
  it('tells the tensors by name, with symbolic and unknown dimensions free', () => {
    const session = {
      inputMetadata: [{ name: 'ids', isTensor: true, type: 'int64', shape: ['batch', 'length'] }, { name: 'mask', isTensor: true, type: 'bool', shape: [-1, 8, 0] }],
      outputMetadata: [{ name: 'logits', isTensor: true, type: 'float16', shape: [] }],
    };
    expect(onnxSignature(session)).toEqual({
      input: { type: 'tensors', by: 'name', tensors: [{ name: 'ids', dtype: 'int64', shape: [null, null] }, { name: 'mask', dtype: 'bool', shape: [null, 8, 0] }] },
      output: { type: 'tensors', by: 'name', tensors: [{ name: 'logits', dtype: 'float16', shape: [] }] },
    });
  });

  it('says which value is no tensor', () => {
    const session = { inputMetadata: [{ name: 'x', type: 'float32', shape: [1] }], outputMetadata: [{ name: 'label', type: 'int64' }, { name: 'probabilities', isTensor: false }] };
    expect(() => onnxSignature(session)).toThrow(/session\.outputMetadata\[1\], "probabilities", is no tensor/);
  });

  it('says which runtime tells', () => {
    expect(() => onnxSignature({ inputNames: ['x'] } as never)).toThrow(/session\.inputMetadata is undefined.*1\.21/);
  });
});
