import type { ColumnDrift, DataDrift } from '../../../index.ts';
import { numberText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { printable } from '../../output/printable.ts';
import { statusStyle } from '../../output/status-style.ts';
import { table } from '../../output/table.ts';

/** A verdict on a data set: in words, and a row for every column. */
export function driftText({ status, summary, columns }: DataDrift, page: TextPage): string {
  return [
    page.style(statusStyle(status) ?? 'head', printable(summary)),
    table(
      columns,
      [
        { head: 'COLUMN', text: ({ name, role }) => (role === 'prediction' ? `${name} (prediction)` : name) },
        { head: 'KIND', text: ({ kind }) => kind, whole: true },
        { head: 'STATUS', text: (column) => column.status, whole: true, style: (column) => statusStyle(column.status) },
        { head: 'PSI', text: ({ effect }) => short(effect?.value), align: 'right' },
        { head: '95 %', text: ({ effect }) => (effect === undefined ? undefined : `${short(effect.low)}–${short(effect.high)}`), align: 'right', spare: true },
        { head: 'P', text: ({ adjustedPValue }) => small(adjustedPValue), align: 'right' },
        { head: 'WHY', text: ({ reason }: ColumnDrift) => reason, spare: true },
      ],
      page,
    ),
  ].join('\n');
}

function short(value: number | undefined): string | undefined {
  return value === undefined ? undefined : value.toFixed(3);
}

function small(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value < 0.001 && value > 0 ? value.toExponential(1) : numberText(Number(value.toPrecision(3)));
}
