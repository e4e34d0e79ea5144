/** How good probabilities are against what came true. */
export interface Quality {
  /** Area under the ROC curve: the chance that a late flight scores above one on time; ties count half. */
  auc: number;
  /** Mean negative log-likelihood in nats. */
  logLoss: number;
}

/** The quality of `scores` on `labels` (1 is late). */
export function qualityOf(scores: ArrayLike<number>, labels: ArrayLike<number>): Quality {
  return { auc: areaUnderCurve(scores, labels), logLoss: logLoss(scores, labels) };
}

function areaUnderCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let late = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end++;
    const meanRank = (start + end + 1) / 2;
    for (let i = start; i < end; i++) {
      if (labels[order[i]!] !== 1) continue;
      late++;
      rankSum += meanRank;
    }
    start = end;
  }
  return (rankSum - (late * (late + 1)) / 2) / (late * (order.length - late));
}

function logLoss(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const p = Math.min(1 - 1e-7, Math.max(1e-7, scores[i]!));
    sum -= Math.log(labels[i] === 1 ? p : 1 - p);
  }
  return sum / scores.length;
}
