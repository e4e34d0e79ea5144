import { growTrees, leafOf, type Tree, type TreeQuestion, type TreeSettings } from '../multivariate/domain/boosted-trees.ts';
import type { StateReader } from '../state-reader.ts';
import { binCount, binnerOf, mostCategories, type LossFeature } from './loss-features.ts';

/** A tree as plain JSON. */
export interface LossTreeState {
  /** Level by level, node by node: which feature is asked about, and the bins that go left; `null` where all go left. */
  readonly levels: readonly (readonly ({
    /** Place of the feature. */
    readonly feature: number;
    /** The bins that go left. */
    readonly left: readonly number[];
  } | null)[])[];
  /** What each leaf adds. */
  readonly leaves: readonly number[];
}

/** Trees that say how large a loss is expected to be, by the bins that features lie in. */
export interface LossTrees {
  readonly features: readonly LossFeature[];
  readonly start: number;
  readonly trees: readonly Tree[];
}

/** Rows that a leaf must rest on. */
const leastRows = 10;

/** Fits trees to losses by least squares; `columns` are the bins of the rows, feature by feature. */
export function fitLossTrees(features: readonly LossFeature[], columns: readonly Uint8Array[], losses: Float64Array, settings: TreeSettings): LossTrees {
  const start = losses.reduce((sum, loss) => sum + loss / losses.length, 0);
  const slopes = (scores: Float64Array, gradients: Float64Array, curvatures: Float64Array): void => {
    for (let i = 0; i < scores.length; i++) {
      gradients[i] = losses[i]! - scores[i]!;
      curvatures[i] = 1;
    }
  };
  const asked = features.map((feature) => ({ ordered: feature.kind === 'number', count: binCount(feature) }));
  return { features, start, trees: growTrees(asked, columns, losses.length, { start, leastCurvature: leastRows, slopes }, settings).trees };
}

/** Scores rows, one at a time. */
export class LossScorer {
  readonly #trees: LossTrees;
  readonly #binners: readonly ((value: unknown) => number)[];
  readonly #bins: Uint8Array;

  constructor(trees: LossTrees) {
    this.#trees = trees;
    this.#binners = trees.features.map(binnerOf);
    this.#bins = new Uint8Array(trees.features.length);
  }

  /** The bins of a row's values, feature by feature, into `into`; true when one of them is unlike all of the reference. */
  static read(binners: readonly ((value: unknown) => number)[], valueOf: (feature: number) => unknown, into: Uint8Array): boolean {
    let outside = false;
    for (let f = 0; f < binners.length; f++) {
      const bin = binners[f]!(valueOf(f));
      if (bin < 0) outside = true;
      into[f] = bin < 0 ? -1 - bin : bin;
    }
    return outside;
  }

  /** The expected loss of a row, as far as the trees know it, and whether it is unlike all of the reference. */
  score(valueOf: (feature: number) => unknown): { score: number; outside: boolean } {
    const bins = this.#bins;
    const outside = LossScorer.read(this.#binners, valueOf, bins);
    const binOf = (feature: number): number => bins[feature]!;
    let score = this.#trees.start;
    for (const tree of this.#trees.trees) score += leafOf(tree, binOf);
    return { score, outside };
  }
}

/** Trees as plain JSON. */
export function treeStates({ trees }: LossTrees): LossTreeState[] {
  return trees.map(({ levels, leaves }) => ({
    levels: levels.map((questions) => questions.map((question) => (question === undefined ? null : { feature: question.feature, left: [...question.left.keys()].filter((bin) => question.left[bin] === 1) }))),
    leaves: [...leaves],
  }));
}

/** Features that were stored. */
export function readFeatures(reader: StateReader): LossFeature[] {
  return reader.list('features', 100_000).map((feature, i): LossFeature => {
    const inner = reader.inner(feature, `features[${i}]`);
    const kind = inner.word('kind', ['number', 'category']);
    const named = inner.field('column');
    const column = named === undefined || typeof named === 'string' ? named : inner.refuse('column', 'must be a text');
    if (kind === 'number') return { ...(column !== undefined && { column }), kind, edges: ascending(inner), low: inner.number('low'), high: inner.number('high') };
    if (column === undefined) return inner.refuse('column', 'must be a text');
    const categories = inner.list('categories', mostCategories).map((category, k) => (typeof category === 'string' ? category : inner.refuse(`categories[${k}]`, 'must be a text', category)));
    return { column, kind, categories, others: inner.flag('others') };
  });
}

function ascending(reader: StateReader): number[] {
  const edges = reader.numbers('edges', 0, 250);
  edges.forEach((edge, i) => i > 0 && edge <= edges[i - 1]! && reader.refuse(`edges[${i}]`, 'must be above the one before', edge));
  return edges;
}

/** Trees that were stored, over these features. */
export function readTrees(reader: StateReader, features: readonly LossFeature[]): Tree[] {
  return reader.list('trees', 1000).map((tree, i): Tree => {
    const inner = reader.inner(tree, `trees[${i}]`);
    const levels = inner.list('levels', 6).map((level, depth) => {
      const questions = inner.listOf(`levels[${depth}]`, level, 1 << depth);
      if (questions.length !== 1 << depth) inner.refuse(`levels[${depth}]`, `has ${questions.length} entries and must have ${1 << depth}`, null);
      return questions.map((question, node) => readQuestion(question, `levels[${depth}][${node}]`, inner, features));
    });
    return { levels, leaves: Float64Array.from(inner.numbers('leaves', 1 << levels.length, 1 << levels.length)) };
  });
}

function readQuestion(question: unknown, place: string, reader: StateReader, features: readonly LossFeature[]): TreeQuestion | undefined {
  if (question === null) return undefined;
  const asked = reader.inner(question, place);
  const feature = asked.whole('feature', 0, features.length - 1);
  const left = new Uint8Array(binCount(features[feature]!));
  for (const bin of asked.numbers('left', 0, left.length, 0, left.length - 1)) left[bin] = 1;
  return { feature, left, gain: 0 };
}
