import { extent, linear, logarithmic, type ScaleMaker } from '../svg/scale.ts';
import { temporal } from '../svg/time-scale.ts';
import type { WallClock } from '../svg/wall-time.ts';

/** The scale of an axis of a line chart that has room for all values. `up` is an axis of values, whose ends are round; `whole` values are counted, and have no ticks between two. */
export function lineScale(kind: 'linear' | 'log' | 'time', lists: readonly ArrayLike<number>[], clock: WallClock, { up = false, whole = false }: { readonly up?: boolean; readonly whole?: boolean } = {}): ScaleMaker {
  const domain = extent(lists, kind === 'log');
  if (kind === 'log') return logarithmic(domain ?? [1, 10]);
  return kind === 'time' ? temporal(domain ?? [0, 86_400_000], clock) : linear(domain ?? [0, 1], up, whole);
}

/** Whether values are counted rather than measured, as steps are: then there is nothing between two of them. */
export function areWhole(lists: readonly ArrayLike<number>[]): boolean {
  return lists.every((values) => {
    for (let i = 0; i < values.length; i++) if (values[i]! % 1 !== 0 || Math.abs(values[i]!) > 2 ** 50) return false;
    return true;
  });
}
