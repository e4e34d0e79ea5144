import { stringifyTolerant } from '../../core/lossless-json.ts';
import { html, type Html } from '../../report/markup/html.ts';
import { reportContext, type ReportContext } from '../../report/page/context.ts';
import { formatDuration, formatNumber } from '../../report/svg/format.ts';

/** How values are written on a page, as in a report. */
export interface Formats {
  /** What the parts of a report are given. */
  readonly context: ReportContext;
  /** A number in six digits at most. */
  readonly number: (value: number) => string;
  /** A whole number with its thousands apart. */
  readonly count: (value: number) => string;
  /** A moment, with the time zone in its title. */
  readonly time: (at: number | undefined) => Html;
  /** How long something took. */
  readonly duration: (ms: number | undefined) => string;
  /** A size in bytes. */
  readonly bytes: (size: number) => string;
  /** Any plain value on one line. */
  readonly value: (value: unknown) => string;
}

/** The formats of a time zone; the same values give the same texts on every machine. */
export function formatsFor(timeZone: string): Formats {
  const context = reportContext(timeZone);
  return {
    context,
    number: (value) => formatNumber(value, 6),
    count: (value) => formatNumber(value),
    time: (at) => (at === undefined ? html`–` : context.timeElement(at)),
    duration: (ms) => (ms === undefined ? '–' : formatDuration(ms)),
    bytes: bytesText,
    value: (value) => (typeof value === 'number' ? formatNumber(value, 6) : typeof value === 'string' ? value : value === undefined ? '–' : stringifyTolerant(value)),
  };
}

function bytesText(size: number): string {
  if (size < 1024) return `${formatNumber(size)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(size) / 10));
  return `${Number((size / 1024 ** power).toFixed(1))} ${units[power - 1]}`;
}
