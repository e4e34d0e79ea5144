import type { PooledFeature } from './pooled-features.ts';

/** How trees are grown. */
export interface TreeSettings {
  /** How many trees. */
  readonly rounds: number;
  /** How many questions each asks one after the other. */
  readonly depth: number;
}

/** What was learnt: a score for any row, the larger the more it looks like one of the current side, and how much each feature helped. */
export interface FittedTrees {
  readonly score: (row: number) => number;
  /** The gain of all questions about each feature, in their order. */
  readonly gains: Float64Array;
}

/** What trees learn: where scores begin, and how a loss falls with each of them. */
export interface TreeObjective {
  /** The score of every row before the first tree. */
  readonly start: number;
  /** The least curvature that a leaf must rest on. */
  readonly leastCurvature: number;
  /** Fills in, row by row, the falling slope of the loss at these scores and its curvature. */
  readonly slopes: (scores: Float64Array, gradients: Float64Array, curvatures: Float64Array) => void;
}

/** How much of each tree is taken, and what steadies its leaves. */
const rate = 0.1;
const ridge = 1;

/** What steadies the order of rare categories. */
const categoryRidge = 10;

/** A feature as trees ask about it: how many bins it has, and whether larger ones hold larger numbers. */
type AskedFeature = Pick<PooledFeature, 'ordered' | 'count'>;

/** A question that all rows of one node are asked: whether the bin of a feature is among those that go left. */
export interface TreeQuestion {
  readonly feature: number;
  readonly left: Uint8Array;
  readonly gain: number;
}

/** One tree. */
export interface Tree {
  /** Per level, per node of it; a node without a question sends all rows left. */
  readonly levels: readonly (readonly (TreeQuestion | undefined)[])[];
  readonly leaves: Float64Array;
}

/**
 * Learns to tell the rows with label 1 from those with label 0 by gradient-boosted trees on binned features, with the logistic loss.
 */
export function fitTrees(features: readonly PooledFeature[], labels: Uint8Array, rows: Uint32Array, settings: TreeSettings): FittedTrees {
  const columns = features.map(({ bins }) => Uint8Array.from(rows, (row) => bins[row]!));
  const targets = Uint8Array.from(rows, (row) => labels[row]!);
  const positives = targets.reduce((sum, label) => sum + label, 0);
  const slopes = (scores: Float64Array, gradients: Float64Array, curvatures: Float64Array): void => {
    for (let i = 0; i < scores.length; i++) {
      const chance = 1 / (1 + Math.exp(-scores[i]!));
      gradients[i] = targets[i]! - chance;
      curvatures[i] = chance * (1 - chance);
    }
  };
  const start = Math.log((positives + 0.5) / (rows.length - positives + 0.5));
  const { trees, gains } = growTrees(features, columns, rows.length, { start, leastCurvature: 2, slopes }, settings);
  const all = features.map(({ bins }) => bins);
  return { score: (row) => trees.reduce((sum, tree) => sum + leafOf(tree, (feature) => all[feature]![row]!), 0), gains };
}

/**
 * Grows trees on binned features: each round fits one to the gradient of a loss and takes a Newton step in its leaves (Friedman 2001; gain and leaves as of Chen & Guestrin 2016). Bins of categories are put in the order of their
 * mean gradient before they are split (Fisher 1958). A score is `start` and the leaves of all trees.
 */
export function growTrees(
  features: readonly AskedFeature[],
  columns: readonly Uint8Array[],
  size: number,
  { start, leastCurvature, slopes }: TreeObjective,
  { rounds, depth }: TreeSettings,
): { trees: Tree[]; gains: Float64Array } {
  const scores = new Float64Array(size).fill(start);
  const gradients = new Float64Array(size);
  const curvatures = new Float64Array(size);
  const gains = new Float64Array(features.length);
  const trees: Tree[] = [];
  const nodes = new Uint16Array(size);
  for (let round = 0; round < rounds; round++) {
    slopes(scores, gradients, curvatures);
    nodes.fill(0);
    const levels: (TreeQuestion | undefined)[][] = [];
    for (let level = 0; level < depth; level++) {
      const questions = askLevel({ features, columns, nodes, gradients, curvatures, leastCurvature }, 1 << level);
      for (const question of questions) if (question !== undefined) gains[question.feature]! += question.gain;
      for (let i = 0; i < nodes.length; i++) {
        const question = questions[nodes[i]!];
        nodes[i] = 2 * nodes[i]! + (question === undefined || question.left[columns[question.feature]![i]!] === 1 ? 0 : 1);
      }
      levels.push(questions);
    }
    const leaves = leavesOf(nodes, 1 << depth, gradients, curvatures);
    for (let i = 0; i < size; i++) scores[i]! += leaves[nodes[i]!]!;
    trees.push({ levels, leaves });
  }
  return { trees, gains };
}

/** What a tree adds to the score of a row whose features lie in these bins. */
export function leafOf({ levels, leaves }: Tree, binOf: (feature: number) => number): number {
  let node = 0;
  for (const questions of levels) {
    const question = questions[node];
    node = 2 * node + (question === undefined || question.left[binOf(question.feature)] === 1 ? 0 : 1);
  }
  return leaves[node]!;
}

function leavesOf(nodes: Uint16Array, count: number, gradients: Float64Array, curvatures: Float64Array): Float64Array {
  const sums = new Float64Array(count);
  const weights = new Float64Array(count).fill(ridge);
  for (let i = 0; i < nodes.length; i++) {
    sums[nodes[i]!]! += gradients[i]!;
    weights[nodes[i]!]! += curvatures[i]!;
  }
  return sums.map((sum, node) => (rate * sum) / weights[node]!);
}

interface LevelRows {
  readonly features: readonly AskedFeature[];
  readonly columns: readonly Uint8Array[];
  readonly nodes: Uint16Array;
  readonly gradients: Float64Array;
  readonly curvatures: Float64Array;
  readonly leastCurvature: number;
}

/** The best question for every node of a level, over all features. */
function askLevel({ features, columns, nodes, gradients, curvatures, leastCurvature }: LevelRows, nodeCount: number): (TreeQuestion | undefined)[] {
  const best = new Array<TreeQuestion | undefined>(nodeCount).fill(undefined);
  features.forEach(({ ordered, count }, feature) => {
    const bins = columns[feature]!;
    const sums = new Float64Array(nodeCount * count);
    const weights = new Float64Array(nodeCount * count);
    for (let i = 0; i < bins.length; i++) {
      const at = nodes[i]! * count + bins[i]!;
      sums[at]! += gradients[i]!;
      weights[at]! += curvatures[i]!;
    }
    for (let node = 0; node < nodeCount; node++) {
      const inNode = [sums, weights].map((all) => all.subarray(node * count, (node + 1) * count)) as [Float64Array, Float64Array];
      const question = bestQuestion(feature, ordered, leastCurvature, ...inNode);
      if (question !== undefined && question.gain > (best[node]?.gain ?? 0)) best[node] = question;
    }
  });
  return best;
}

function bestQuestion(feature: number, ordered: boolean, leastCurvature: number, sums: Float64Array, weights: Float64Array): TreeQuestion | undefined {
  const order = Array.from(sums, (_, bin) => bin);
  if (!ordered) order.sort((a, b) => sums[a]! / (weights[a]! + categoryRidge) - sums[b]! / (weights[b]! + categoryRidge) || a - b);
  const total = sums.reduce((sum, value) => sum + value, 0);
  const weight = weights.reduce((sum, value) => sum + value, 0);
  const whole = total ** 2 / (weight + ridge);
  let sum = 0;
  let curvature = 0;
  let gain = 0;
  let last = -1;
  for (let i = 0; i + 1 < order.length; i++) {
    sum += sums[order[i]!]!;
    curvature += weights[order[i]!]!;
    if (curvature < leastCurvature || weight - curvature < leastCurvature) continue;
    const found = sum ** 2 / (curvature + ridge) + (total - sum) ** 2 / (weight - curvature + ridge) - whole;
    if (found > gain) [gain, last] = [found, i];
  }
  if (last < 0) return undefined;
  const left = new Uint8Array(order.length);
  for (let i = 0; i <= last; i++) left[order[i]!] = 1;
  return { feature, left, gain };
}
