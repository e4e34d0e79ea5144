import type { Accuracy } from './accuracy.ts';

/** The page whose table of accuracy is written from measurements. */
export const accuracyPage = 'docs/statistics.md';

const table = /(<!-- accuracy -->\n)[\s\S]*?(<!-- \/accuracy -->)/;

/** What the page says; errors are rounded up by half and to two digits, so that the last bit of another machine's exponential does not break the promise. */
export function accuracyTable(measured: readonly Accuracy[]): string {
  const rows = measured.map(({ name, compared, worst }) => `| ${name} | ${compared} | ${worst === 0 ? 'exact' : roundedUp(worst)} |`);
  return ['| function | values compared | relative error at most |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

function roundedUp(error: number): string {
  const scale = 10 ** (Math.floor(Math.log10(error)) - 1);
  return (Math.ceil((error * 1.5) / scale) * scale).toExponential(1);
}

/** The page with its table written anew. */
export const withAccuracy = (page: string, rows: string): string => page.replace(table, (_, open: string, close: string) => open + rows + close);

/** The errors that the page promises, by function; `exact` leaves room for a last bit elsewhere. */
export function readAccuracyTable(page: string): Map<string, number> {
  const rows = (table.exec(page)?.[0] ?? '').split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(rows.filter(([, name, compared]) => name !== undefined && Number(compared) > 0).map(([, name, , error]) => [name ?? '', error === 'exact' ? 1e-15 : Number(error)]));
}
