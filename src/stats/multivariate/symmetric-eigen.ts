/** The eigenvalues of a symmetric matrix, descending, and their vectors. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  /** Row i, of `size` numbers, is the unit vector of value i. */
  readonly vectors: Float64Array;
}

/**
 * Takes a symmetric matrix of finite numbers, given row by row, apart: Householder's reduction to three diagonals and the implicit QL method (Wilkinson & Reinsch
 * 1971; Golub & Van Loan, §8.3). About 9·size³ steps; an eigenvalue's error is a few roundings of the largest one.
 */
export function symmetricEigen(matrix: Float64Array, size: number): SymmetricEigen {
  let scale = 0;
  for (const value of matrix) scale = Math.max(scale, Math.abs(value));
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  if (scale === 0) return { values: new Float64Array(size), vectors };
  const work = matrix.map((value) => value / scale);
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  tridiagonalise(work, size, vectors, diagonal, beside);
  for (let l = 0; l < size; l++) deflate(l, size, diagonal, beside, vectors);
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]!);
  const sorted = new Float64Array(size * size);
  for (const [to, from] of order.entries()) sorted.set(vectors.subarray(from * size, (from + 1) * size), to * size);
  return { values: Float64Array.from(order, (at) => diagonal[at]! * scale), vectors: sorted };
}

/** Reflects `a` into three diagonals, and the rows of `vectors` along. */
function tridiagonalise(a: Float64Array, size: number, vectors: Float64Array, diagonal: Float64Array, beside: Float64Array): void {
  const v = new Float64Array(size);
  const w = new Float64Array(size);
  for (let k = 0; k < size - 2; k++) {
    let norm = 0;
    for (let i = k + 1; i < size; i++) {
      v[i] = a[i * size + k]!;
      norm += v[i]! * v[i]!;
    }
    // The largest entry is 1: what is below this is nothing beside it, and its square would have no digits.
    norm = norm > 1e-280 ? Math.sqrt(norm) : 0;
    diagonal[k] = a[k * size + k]!;
    const lead = v[k + 1]! > 0 ? -norm : norm;
    beside[k] = lead;
    if (norm === 0) continue;
    v[k + 1]! -= lead;
    // 2 / v·v
    const beta = 1 / (norm * (norm + Math.abs(v[k + 1]! + lead)));
    let product = 0;
    for (let i = k + 1; i < size; i++) {
      let sum = 0;
      for (let j = k + 1; j < size; j++) sum += a[i * size + j]! * v[j]!;
      w[i] = beta * sum;
      product += w[i]! * v[i]!;
    }
    for (let i = k + 1; i < size; i++) w[i]! -= (beta * product * v[i]!) / 2;
    for (let i = k + 1; i < size; i++) {
      for (let j = k + 1; j < size; j++) a[i * size + j]! -= v[i]! * w[j]! + w[i]! * v[j]!;
    }
    w.fill(0);
    for (let i = k + 1; i < size; i++) {
      const row = i * size;
      for (let j = 0; j < size; j++) w[j]! += v[i]! * vectors[row + j]!;
    }
    for (let i = k + 1; i < size; i++) {
      const row = i * size;
      const factor = beta * v[i]!;
      for (let j = 0; j < size; j++) vectors[row + j]! -= factor * w[j]!;
    }
  }
  for (let k = Math.max(0, size - 2); k < size; k++) diagonal[k] = a[k * size + k]!;
  if (size > 1) beside[size - 2] = a[(size - 1) * size + size - 2]!;
}

/** Rotates until the value at `l` stands alone. */
function deflate(l: number, size: number, diagonal: Float64Array, beside: Float64Array, vectors: Float64Array): void {
  // Two or three rounds do in practice.
  for (let round = 0; round < 100; round++) {
    let end = l;
    while (end < size - 1 && Math.abs(beside[end]!) > Number.EPSILON * (Math.abs(diagonal[end]!) + Math.abs(diagonal[end + 1]!))) end++;
    if (end === l) return;
    const half = (diagonal[l + 1]! - diagonal[l]!) / (2 * beside[l]!);
    const root = Math.sqrt(half * half + 1);
    let bulge = diagonal[end]! - diagonal[l]! + beside[l]! / (half + (half < 0 ? -root : root));
    let sine = 1;
    let cosine = 1;
    let carried = 0;
    let i = end - 1;
    for (; i >= l; i--) {
      const f = sine * beside[i]!;
      const b = cosine * beside[i]!;
      const length = Math.sqrt(f * f + bulge * bulge);
      beside[i + 1] = length;
      if (length === 0) {
        diagonal[i + 1]! -= carried;
        break;
      }
      sine = f / length;
      cosine = bulge / length;
      const shifted = diagonal[i + 1]! - carried;
      const turn = (diagonal[i]! - shifted) * sine + 2 * cosine * b;
      carried = sine * turn;
      diagonal[i + 1] = shifted + carried;
      bulge = cosine * turn - b;
      rotate(vectors, i * size, size, sine, cosine);
    }
    beside[end] = 0;
    if (i >= l) continue;
    diagonal[l]! -= carried;
    beside[l] = bulge;
  }
}

/** Rotates the row at `at` against the one below. */
function rotate(vectors: Float64Array, at: number, size: number, sine: number, cosine: number): void {
  for (let k = at; k < at + size; k++) {
    const upper = vectors[k]!;
    const lower = vectors[k + size]!;
    vectors[k + size] = sine * upper + cosine * lower;
    vectors[k] = cosine * upper - sine * lower;
  }
}
