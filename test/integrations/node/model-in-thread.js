// What a worker thread loads.

/** A model that does what its inputs say. */
export default function load({ offset = 0 } = {}) {
  let warm = false;
  const one = async (input, { signal } = {}) => {
    if (input === 'fail') throw Object.assign(new RangeError('out of range'), { code: 'E_RANGE' });
    if (input === 'exit') process.exit(3);
    if (input === 'spin') for (;;);
    if (input === 'function') return () => 0;
    if (input === 'warm?') return warm;
    if (input === 'wait') return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped in time'))));
    if (input instanceof Float32Array) return input.map((value) => value * 2);
    return input + offset;
  };
  return {
    predict: one,
    predictBatch: (inputs) => inputs.map((input) => (input < 0 ? new TypeError('negative') : input + offset)),
    warmUp: () => {
      warm = true;
    },
    bytes: 123,
    dispose: () => {
      if (offset === 99) throw new Error('would not let go');
    },
  };
}

export const asFunction = () => (input) => input * 10;

export const nothing = () => ({});

export const broken = () => {
  throw new Error('no weights');
};

/** Gives the same output again and again, as a model does that keeps its memory. */
export const keeping = () => {
  const output = new Float64Array(1000);
  return () => output.fill(output[0] + 1);
};

