/** A value as YAML can say it. */
export type YamlValue = string | number | boolean | readonly YamlValue[] | { readonly [key: string]: YamlValue | undefined };

const plain = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const words = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const control = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** A mapping in block style that every parser of YAML 1.1 and 1.2 reads back as it was: texts that could be anything else are quoted. Fields that are `undefined` and lists and mappings that are empty are left out. */
export function toYaml(fields: Readonly<Record<string, YamlValue | undefined>>): string {
  return `${mapping(fields, '').join('\n')}\n`;
}

function mapping(fields: Readonly<Record<string, YamlValue | undefined>>, indent: string): string[] {
  return Object.entries(fields).flatMap(([key, value]) => (value === undefined || isEmpty(value) ? [] : entry(`${indent}${text(key)}:`, value, indent)));
}

function entry(head: string, value: YamlValue, indent: string): string[] {
  if (typeof value !== 'object') return [`${head} ${scalar(value)}`];
  return Array.isArray(value) ? [head, ...(value as readonly YamlValue[]).flatMap((each) => item(each, indent))] : [head, ...mapping(value as Readonly<Record<string, YamlValue>>, `${indent}  `)];
}

function item(value: YamlValue, indent: string): string[] {
  if (typeof value !== 'object') return [`${indent}- ${scalar(value)}`];
  const inner = `${indent}  `;
  const lines = Array.isArray(value) ? (value as readonly YamlValue[]).flatMap((each) => item(each, inner)) : mapping(value as Readonly<Record<string, YamlValue>>, inner);
  return lines.map((line, i) => (i === 0 ? `${indent}- ${line.slice(inner.length)}` : line));
}

function scalar(value: string | number | boolean): string {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'boolean' || Number.isFinite(value)) return decimal(String(value));
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
}

// YAML 1.1 takes an exponent for a number only behind a point.
function decimal(number: string): string {
  return number.replace(/^(-?\d+)e/, '$1.0e');
}

function text(value: string): string {
  if (plain.test(value) && !words.test(value)) return value;
  return JSON.stringify(value).replace(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isEmpty(value: YamlValue): boolean {
  return typeof value === 'object' && Object.values(value).every((each) => each === undefined);
}
