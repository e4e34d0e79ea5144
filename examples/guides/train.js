// Work of the pipelines in docs/pipelines.md, which threads and Web Workers load: JavaScript, as both run it.

/**
 * Fits the mean of what is not further than `depth` from 0; `item` is a point of the grid where this is the work of an item.
 * @param {import('modelkeep').ItemFacts<{ rows: Float64Array }, unknown, { depth: number }>} facts
 */
export function fitItem({ item, inputs }) {
  const near = inputs.rows.filter((row) => Math.abs(row) <= item.depth);
  return { depth: item.depth, mean: mean(near) };
}

/** @param {import('modelkeep').StepFacts<{ rows: Float64Array }, unknown>} facts */
export default function train({ inputs, log }) {
  log.info(`${inputs.rows.length} rows`);
  return { mean: mean(inputs.rows) };
}

/** @param {import('modelkeep').StepFacts<{ trained: { mean: number } }, unknown>} facts */
export function score({ inputs }) {
  return Float64Array.of(1, 2, 6).map((row) => row - inputs.trained.mean);
}

/** @param {Float64Array} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
