/** Whether less or more of a metric is better. */
export type MetricDirection = 'min' | 'max';

const words: readonly (readonly [MetricDirection, ReadonlySet<string>])[] = [
  ['min', /* @__PURE__ */ new Set(['loss', 'error', 'err', 'errors', 'mse', 'rmse', 'mae', 'mape', 'smape', 'msle', 'rmsle', 'nll', 'perplexity', 'ppl', 'wer', 'cer', 'eer', 'fid', 'brier', 'ece', 'divergence', 'latency', 'duration', 'regret'])],
  ['max', /* @__PURE__ */ new Set(['accuracy', 'acc', 'auc', 'auroc', 'auprc', 'precision', 'recall', 'f1', 'fbeta', 'score', 'r2', 'iou', 'miou', 'dice', 'ap', 'map', 'ndcg', 'mrr', 'bleu', 'rouge', 'kappa', 'mcc', 'specificity', 'sensitivity', 'psnr', 'ssim', 'reward', 'throughput', 'likelihood'])],
];

/**
 * What a metric's name says of its direction, by its last word that says anything: `val/loss` is less is better, `valAuc` more; `undefined` for a name that
 * says nothing. A guess: give the direction where it matters.
 */
export function guessDirection(name: string): MetricDirection | undefined {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u);
  for (const part of parts.reverse()) {
    const found = words.find(([, known]) => known.has(part) || known.has(part.replace(/\d+$/, '')));
    if (found) return found[0];
  }
  return undefined;
}
