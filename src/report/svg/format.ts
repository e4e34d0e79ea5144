/** A number in at most `digits` significant digits, with thousands parted by commas; the same text on every host. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return parted(String(value));
  if (size >= 1e7 || size < 1e-4) return value.toExponential(digits - 1).replace(/\.?0*e\+?/, 'e');
  return parted(value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size)))).replace(/\.0*$|(\.\d*?)0+$/, '$1'));
}

/** A share of 1 in per cent. */
export function formatPercent(share: number, digits = 3): string {
  return Number.isFinite(share) ? `${formatNumber(share * 100, digits)} %` : formatNumber(share);
}

/** How many of something there are, with the thing in the singular or plural: "1 run", "10,000 runs". */
export function formatCount(count: number, one: string, many: string = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** A length of time in its two largest units: "3 d 4 h", "1.25 s", "12 ms". */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return formatNumber(ms);
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1_000) return `${formatNumber(ms, 3)} ms`;
  if (ms < 60_000) return `${formatNumber(ms / 1_000, 3)} s`;
  const at = units.findIndex(([unit]) => ms >= unit);
  const [unit, name] = units[at]!;
  const [below, nameBelow] = units[at + 1]!;
  const rest = Math.floor((ms % unit) / below);
  return rest === 0 ? `${Math.floor(ms / unit)} ${name}` : `${Math.floor(ms / unit)} ${name} ${rest} ${nameBelow}`;
}

function parted(digits: string): string {
  const [whole, fraction] = digits.split('.');
  return whole!.replace(/\B(?=(\d{3})+$)/g, ',') + (fraction === undefined ? '' : `.${fraction}`);
}
