import { checkSubject } from './check-filter.ts';
import { closestWord } from './closest-word.ts';
import type { SearchField, SearchVocabulary } from './search-vocabulary.ts';
import type { TextCursor } from './text-cursor.ts';

/** What a condition or an order asks about, as read from a text. */
export interface ParsedSubject<T> {
  readonly subject: string;
  readonly field: SearchField<T>;
}

const keywords: ReadonlySet<string> = /* @__PURE__ */ new Set(['AND', 'OR', 'NOT', 'IN', 'IS', 'NULL', 'LIKE', 'ILIKE', 'BETWEEN', 'TRUE', 'FALSE', 'ASC', 'DESC']);

/** Reads `metrics.loss`, `` params.`a b` ``, or the name of an attribute, and the space behind. */
export function parseSubject<T>(vocabulary: SearchVocabulary<T>, cursor: TextCursor): ParsedSubject<T> {
  const start = cursor.at;
  const quoted = cursor.next === '`' || cursor.next === '"';
  const first = readPart(cursor, () => cursor.bareName()) ?? cursor.fail(`expected a name such as ${vocabulary.examples.name}, found ${cursor.found}${hintOf(cursor.next)}`);
  const dotted = cursor.take('.');
  if (!dotted && !quoted) checkLoneName(vocabulary, cursor, first, start);
  const subject = dotted ? (subjectCalled(vocabulary, first) ?? cursor.fail(unknownEntity(vocabulary, first), start)) : vocabulary.bare;
  const keyAt = dotted ? cursor.at : start;
  const key = dotted ? (readPart(cursor, () => cursor.bareKey()) ?? cursor.fail(`expected the name of a ${subject}, found ${cursor.found}${hintOf(cursor.next)}`)) : first;
  const field = checkSubject(vocabulary, subject, key, (problem) => cursor.fail(problem.replace(/^is unknown: /, '').replace(/^is ""/, 'a name must not be empty'), keyAt));
  cursor.skipSpace();
  return { subject, field };
}

function readPart(cursor: TextCursor, bare: () => string | undefined): string | undefined {
  return cursor.next === '`' || cursor.next === '"' ? cursor.quoted() : bare();
}

/** A name alone is an attribute; a keyword or `metrics` in its place is a slip of another kind than a misspelt one. */
function checkLoneName<T>(vocabulary: SearchVocabulary<T>, cursor: TextCursor, name: string, at: number): void {
  if (keywords.has(name.toUpperCase())) cursor.fail(`expected a name such as ${vocabulary.examples.name}, found ${name}`, at);
  const subject = subjectCalled(vocabulary, name);
  // Of versions, `version` is both what stands before a point and an attribute.
  if (subject !== undefined && vocabulary.subjects[vocabulary.bare]!.field(name) === undefined) cursor.fail(`expected a . and the name of a ${subject}, found ${cursor.found}`);
}

function hintOf(character: string): string {
  return character === "'" ? '; names are quoted with ` or "' : '';
}

function subjectCalled<T>({ subjects }: SearchVocabulary<T>, entity: string): string | undefined {
  const name = entity.toLowerCase();
  return Object.keys(subjects).find((subject) => subjects[subject]!.entities.includes(name));
}

function unknownEntity<T>({ subjects }: SearchVocabulary<T>, name: string): string {
  const known = Object.values(subjects);
  const meant = closestWord(name, known.flatMap(({ entities }) => entities));
  const all = known.map(({ entities }) => entities[0]!);
  return `there is no ${JSON.stringify(name)} to search; ${meant === undefined ? `ask for ${all.slice(0, -1).join(', ')} or ${all.at(-1)}` : `did you mean ${meant}?`}`;
}
