import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { tfjsSignature } from 'modelkeep/tfjs';

function perceptron(): tfl.LayersModel {
  return tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [3], units: 2 }), tfl.layers.dense({ units: 1, activation: 'sigmoid' })] });
}

describe('tfjsSignature', () => {
  it('tells the tensors of a layers model by place, with free dimensions', () => {
    expect(tfjsSignature(perceptron())).toMatchObject({
      input: { type: 'tensors', by: 'position', tensors: [{ dtype: 'float32', shape: [null, 3] }] },
      output: { type: 'tensors', by: 'position', tensors: [{ dtype: 'float32', shape: [null, 1] }] },
    });
  });

  it('keeps the order of several inputs', () => {
    const [a, b] = [tfl.input({ shape: [4], name: 'numbers' }), tfl.input({ shape: [2, 2], name: 'words', dtype: 'int32' })];
    const joined = tfl.layers.concatenate().apply([a, tfl.layers.flatten().apply(b) as tfl.SymbolicTensor]) as tfl.SymbolicTensor;
    const { input } = tfjsSignature(tfl.model({ inputs: [a, b], outputs: joined }));
    expect(input).toEqual({
      type: 'tensors',
      by: 'position',
      tensors: [{ name: 'numbers', dtype: 'float32', shape: [null, 4] }, { name: 'words', dtype: 'int32', shape: [null, 2, 2] }],
    });
  });

  it('tells the tensors of a graph model by name, with -1 for what is free and no shape where there is none', () => {
    const graph = {
      executeAsync: () => Promise.resolve([]),
      inputs: [{ name: 'images', dtype: 'float32', shape: [-1, 224, 224, 3] }, { name: 'labels', dtype: 'string' }],
      outputs: [{ name: 'Identity', dtype: 'float32', shape: [-1, 1000] }],
    };
    expect(tfjsSignature(graph).input).toEqual({
      type: 'tensors',
      by: 'name',
      tensors: [{ name: 'images', dtype: 'float32', shape: [null, 224, 224, 3] }, { name: 'labels', dtype: 'string' }],
    });
  });

  it('says what to do about a model that has no layers', () => {
    expect(() => tfjsSignature(tfl.sequential())).toThrow(/model\.inputs is .*Add its layers/);
  });

  it('refuses types of tensors that a signature does not have', () => {
    const model = { inputs: [{ name: 'x', dtype: 'quaternion' }], outputs: [{ name: 'y', dtype: 'float32' }] };
    expect(() => tfjsSignature(model)).toThrow(/model\.input\.tensors\[0\]\.dtype must be one of "bool"/);
  });
});
