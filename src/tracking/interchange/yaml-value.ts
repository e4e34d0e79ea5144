import type { Encodable } from '../../core/codec.ts';
import { metricNumber } from './metric-number.ts';
import type { YamlNode } from './parse-yaml.ts';

/** The value of a node by YAML 1.2: what stands without quotes is nothing, a truth value, a number or a text; all the rest is as it is written. An integer that a double cannot hold is a bigint. */
export function yamlValue(node: YamlNode): Encodable {
  if (node instanceof Map) return Object.fromEntries([...(node as ReadonlyMap<string, YamlNode>)].map(([key, value]) => [key, yamlValue(value)]));
  if (Array.isArray(node)) return (node as readonly YamlNode[]).map(yamlValue);
  const { text, plain } = node as Exclude<YamlNode, readonly YamlNode[] | ReadonlyMap<string, YamlNode>>;
  if (!plain) return text;
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text.replace('+', ''));
  if (/^0(?:x[0-9a-fA-F]+|o[0-7]+)$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return NaN;
  return /^[-+]?[.\d]/.test(text) ? (metricNumber(text) ?? text) : text;
}

/** The text of a scalar in a mapping, as it is written; `undefined` where there is none, or it says `null`. */
export function yamlText(node: YamlNode | undefined, key: string): string | undefined {
  const value = node instanceof Map ? (node as ReadonlyMap<string, YamlNode>).get(key) : undefined;
  if (value === undefined || !('text' in value)) return undefined;
  return value.plain && /^(?:|~|null)$/.test(value.text) ? undefined : value.text;
}
