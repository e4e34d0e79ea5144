import type { TextPage, Style } from './page.ts';
import { printable } from './printable.ts';
import { fitted, padded, textWidth } from './text-width.ts';

/** A column of a table. */
export interface TableColumn<T> {
  readonly head: string;
  /** What stands in a row; nothing where it is undefined. */
  readonly text: (row: T) => string | undefined;
  /** Numbers stand at the right. @default 'left' */
  readonly align?: 'left' | 'right';
  /** Ids are copied, and so never cut. @default false */
  readonly whole?: boolean;
  /** Left out, from the last one on, where the terminal is too narrow for all. @default false */
  readonly spare?: boolean;
  /** @default as it is */
  readonly style?: (row: T) => Parameters<Style>[0] | undefined;
}

const gap = '  ';
const narrowest = 8;

/** Rows as a table that fits the page: long texts are cut, columns that can be spared are left out and named below. Every text is made printable. */
export function table<T>(rows: readonly T[], columns: readonly TableColumn<T>[], page: TextPage): string {
  const cells = columns.map(({ head, text }) => [head, ...rows.map((row) => text(row) ?? '')].map(printable));
  const natural = cells.map((column) => column.reduce((most, cell) => Math.max(most, textWidth(cell)), 0));
  const widths = fit(natural, columns, page.width);
  const shown = columns.map((_, i) => i).filter((i) => widths[i]! > 0);
  const line = (row: number): string =>
    shown
      .map((i, place) => {
        const cell = fitted(cells[i]![row]!, widths[i]!);
        const { align, style } = columns[i]!;
        // Spaces at the end of a line would wrap where the terminal is narrow.
        const set = place === shown.length - 1 && align !== 'right' ? cell : padded(cell, widths[i]!, align);
        const kind = row === 0 ? 'head' : style?.(rows[row - 1]!);
        return kind === undefined ? set : page.style(kind, set);
      })
      .join(gap)
      .trimEnd();
  const lines = Array.from({ length: rows.length + 1 }, (_, row) => line(row));
  const spared = columns.filter((_, i) => widths[i] === 0).map(({ head }) => printable(head));
  if (spared.length > 0) lines.push(page.style('faint', fitted(`Too narrow for: ${spared.join(', ')}.`, page.width)));
  return lines.join('\n');
}

/** Names and values in two columns, without those that have no value; long values are not cut. */
export function facts(entries: readonly (readonly [name: string, value: string | undefined])[], page: TextPage): string {
  const there = entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined).map(([name, value]) => [printable(name), printable(value)] as const);
  const width = there.reduce((most, [name]) => Math.max(most, textWidth(name)), 0);
  return there.map(([name, value]) => `${page.style('faint', padded(name, width))}${gap}${value}`.trimEnd()).join('\n');
}

/** The width of each column, 0 for one that is left out. */
function fit<T>(natural: readonly number[], columns: readonly TableColumn<T>[], width: number): number[] {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, each) => sum + (each > 0 ? each + gap.length : 0), -gap.length);
  const least = (i: number): number => (columns[i]!.whole === true || columns[i]!.align === 'right' ? natural[i]! : Math.min(natural[i]!, narrowest));
  const tightest = (): number => widths.reduce((sum, each, i) => sum + (each > 0 ? least(i) + gap.length : 0), -gap.length);
  for (let i = columns.length - 1; i >= 0 && tightest() > width; i--) if (columns[i]!.spare === true) widths[i] = 0;
  // The widest gives first.
  while (total() > width) {
    const widest = widths.reduce((best, each, i) => (each > least(i) && (best < 0 || each > widths[best]!) ? i : best), -1);
    if (widest < 0) break;
    widths[widest]!--;
  }
  return widths;
}
