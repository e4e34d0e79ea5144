import type { MetricFamily, MetricSample } from './metric-family.ts';

/** Families in the text format 0.0.4 of Prometheus; those of one name, such as of several deployments, as one family. */
export function prometheusText(families: Iterable<MetricFamily>): string {
  const byName = new Map<string, MetricFamily[]>();
  for (const family of families) byName.set(family.name, [...(byName.get(family.name) ?? []), family]);
  let text = '';
  for (const [name, parts] of byName) {
    const { help, type } = parts[0]!;
    text += `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n`;
    for (const { samples } of parts) for (const sample of samples) text += lineOf(name, sample);
  }
  return text;
}

function lineOf(name: string, { suffix, labels, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, of]) => `${label}="${of.replace(/[\\\n"]/g, escaped)}"`);
  return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`;
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
