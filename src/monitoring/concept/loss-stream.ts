import type { DetectorState } from '../../stats/detectors/stream-detector.ts';
import type { ConceptSettings } from './concept-options.ts';
import { lossDetector, valuesPerPeriod } from './loss-detector.ts';
import { distanceOf, effectOf, mergeLosses, noLosses, skewnessOf, sumLosses, type LossSums } from './loss-sums.ts';

/** The losses of one version of a model so far. */
export interface LossStream {
  readonly version: string;
  /** Blocks of losses since the last change, in the order of time; of the older ones fewer and larger. */
  readonly blocks: readonly LossSums[];
  /** The losses of a block that is not full. */
  readonly partial: LossSums;
  /** Values that the detector was given. */
  readonly values: number;
  readonly detector: DetectorState;
  /** Since when the losses are at another level than at first, and that level; `null` while they are not. */
  readonly drift: { readonly at: number; readonly before: LossSums } | null;
}

// A mean of so many losses is near enough to normal when they are not skewed.
const leastLosses = 30;
// The mean of a block may be this skewed.
const skewness = 0.5;
// What the detector is given of a block of the least size is cut off here, for its mean is not quite normal: one strange block is no change. Larger ones are as much nearer to normal.
const furthest = 4;
// With fewer losses before it a block is compared with nothing.
const leastBefore = 150;
const blocksKept = 128;

/** A stream without losses. */
export function newStream(version: string, settings: ConceptSettings): LossStream {
  return { version, blocks: [], partial: noLosses, values: 0, detector: lossDetector(settings, undefined).toJSON(), drift: null };
}

/**
 * The stream after the losses of another period. They are cut into blocks, and the detector is given how far the mean of each block is from that of all before it: the recursive residuals of Brown, Durbin & Evans (1975), which are independent and standard normal while
 * the losses stay as they are, whatever their unit, however many there are, and however uneven they come. Pure.
 */
export function followLosses(stream: LossStream, losses: readonly LossSums[], settings: ConceptSettings): LossStream {
  const detector = lossDetector(settings, stream.detector);
  let { blocks, partial, values, drift } = stream;
  let before = sumLosses(blocks);
  const least = losses.reduce((sum, [, n]) => sum + n, 0) / valuesPerPeriod;
  for (const stretch of losses) {
    partial = mergeLosses(partial, stretch);
    const normal = Math.max(leastLosses, (skewnessOf(before) / skewness) ** 2);
    const size = Math.max(least, normal);
    if (partial[1] < size) continue;
    const block = partial;
    partial = noLosses;
    const end = furthest * Math.sqrt(block[1] / normal);
    const value = Math.max(-end, Math.min(end, distanceOf(before, block)));
    const judged = before[1] >= Math.max(leastBefore, size);
    blocks = thinned([...blocks, block]);
    before = mergeLosses(before, block);
    if (!judged) continue;
    values++;
    if (detector.update(value) !== 'drift') continue;
    const cut = bestCut(blocks);
    const [old, after] = [sumLosses(blocks.slice(0, cut)), sumLosses(blocks.slice(cut))];
    // A change that is too small to matter is not looked at again before the detector calls again.
    if (effectOf(old, after) < settings.minEffect) continue;
    drift ??= { at: after[0], before: old };
    blocks = blocks.slice(cut);
    before = after;
  }
  if (drift !== null && isBack(drift.before, before, settings)) drift = null;
  return { version: stream.version, blocks, partial, values, detector: detector.toJSON(), drift };
}

/** Whether the losses are, as far as can be told, where they were at first. */
function isBack(first: LossSums, now: LossSums, { minEffect }: ConceptSettings): boolean {
  return effectOf(first, now) < minEffect || Math.abs(distanceOf(first, now)) < 2;
}

/** Where blocks are divided so that both sides differ the most: the likeliest place of one change. */
function bestCut(blocks: readonly LossSums[]): number {
  const all = sumLosses(blocks);
  let [cut, furthestApart] = [1, -1];
  let [n, sum] = [0, 0];
  for (let i = 1; i < blocks.length; i++) {
    const [, own, mean] = blocks[i - 1]!;
    n += own;
    sum += own * (mean - all[2]);
    const apart = (sum * sum) / (n * (all[1] - n));
    if (apart > furthestApart) [cut, furthestApart] = [i, apart];
  }
  return cut;
}

/** The blocks, or, when they are too many, with each two of the older half made one. */
function thinned(blocks: readonly LossSums[]): readonly LossSums[] {
  if (blocks.length <= blocksKept) return blocks;
  const older = Array.from({ length: blocksKept / 4 }, (_, i) => mergeLosses(blocks[2 * i]!, blocks[2 * i + 1]!));
  return [...older, ...blocks.slice(blocksKept / 2)];
}
