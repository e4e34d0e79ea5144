import { checkSubject, type OperandKind, type Subject } from './check-filter.ts';
import { closestWord } from './closest-word.ts';
import type { TextCursor } from './text-cursor.ts';

/** What a condition or an order asks about, as read from a text. */
export interface ParsedSubject {
  readonly subject: Subject;
  readonly name: string;
  readonly operand: OperandKind;
}

const entities: ReadonlyMap<string, Subject> = /* @__PURE__ */ new Map<string, Subject>([
  ['metrics', 'metric'],
  ['metric', 'metric'],
  ['params', 'param'],
  ['param', 'param'],
  ['parameters', 'param'],
  ['parameter', 'param'],
  ['tags', 'tag'],
  ['tag', 'tag'],
  ['attributes', 'attribute'],
  ['attribute', 'attribute'],
  ['attr', 'attribute'],
  ['run', 'attribute'],
  ['datasets', 'dataset'],
  ['dataset', 'dataset'],
]);

const keywords: ReadonlySet<string> = /* @__PURE__ */ new Set(['AND', 'OR', 'NOT', 'IN', 'IS', 'NULL', 'LIKE', 'ILIKE', 'BETWEEN', 'TRUE', 'FALSE', 'ASC', 'DESC']);

/** Reads `metrics.loss`, `` params.`a b` ``, or the name of an attribute, and the space behind. */
export function parseSubject(cursor: TextCursor): ParsedSubject {
  const start = cursor.at;
  const quoted = cursor.next === '`' || cursor.next === '"';
  const first = readPart(cursor, () => cursor.bareName()) ?? cursor.fail(`expected a name such as metrics.loss, found ${cursor.found}${hintOf(cursor.next)}`);
  const dotted = cursor.take('.');
  if (!dotted && !quoted) checkLoneName(cursor, first, start);
  const subject = dotted ? (entities.get(first.toLowerCase()) ?? cursor.fail(unknownEntity(first), start)) : 'attribute';
  const keyAt = dotted ? cursor.at : start;
  const key = dotted ? (readPart(cursor, () => cursor.bareKey()) ?? cursor.fail(`expected the name of a ${subject}, found ${cursor.found}${hintOf(cursor.next)}`)) : first;
  const { name, operand } = checkSubject(subject, key, (problem) => cursor.fail(problem.replace(/^is unknown: /, '').replace(/^is ""/, 'a name must not be empty'), keyAt));
  cursor.skipSpace();
  return { subject, name, operand };
}

function readPart(cursor: TextCursor, bare: () => string | undefined): string | undefined {
  return cursor.next === '`' || cursor.next === '"' ? cursor.quoted() : bare();
}

/** A name alone is an attribute; a keyword or `metrics` in its place is a slip of another kind than a misspelt one. */
function checkLoneName(cursor: TextCursor, name: string, at: number): void {
  if (keywords.has(name.toUpperCase())) cursor.fail(`expected a name such as metrics.loss, found ${name}`, at);
  const subject = entities.get(name.toLowerCase());
  if (subject !== undefined) cursor.fail(`expected a . and the name of a ${subject}, found ${cursor.found}`);
}

function hintOf(character: string): string {
  return character === "'" ? '; names are quoted with ` or "' : '';
}

function unknownEntity(name: string): string {
  const meant = closestWord(name, [...entities.keys()]);
  return `there is no ${JSON.stringify(name)} to search; ${meant === undefined ? 'ask for metrics, params, tags, attributes or datasets' : `did you mean ${meant}?`}`;
}
