import { closestWord } from './closest-word.ts';
import type { ManyField, OperandKind, SearchField, SearchSubject } from './search-vocabulary.ts';

/** Values that carry any name, such as metrics: `readerOf` tells how the one of a name is read. */
export function namedValues<T>(entities: readonly [string, string, ...string[]], kind: 'number' | 'text', readerOf: (name: string) => (item: T) => number | string | undefined): SearchSubject<T> {
  const what = `a ${entities[1]}`;
  return { entities, many: false, field: (name) => ({ name, what, operand: { kind }, read: readerOf(name) }), unknown: () => '' };
}

/** Values that carry any name and are one of a few words, such as the states of steps, in any case. */
export function namedWords<T>(entities: readonly [string, string, ...string[]], words: readonly string[], readerOf: (name: string) => (item: T) => string | undefined): SearchSubject<T> {
  const what = `a ${entities[1]}`;
  return { entities, many: false, field: (name) => ({ name, what, operand: { kind: 'word', words }, read: readerOf(name) }), unknown: () => '' };
}

/** One attribute of items: of one value, or of any number of texts, such as `aliases`. */
export type AttributeField<T> = (OperandKind & { readonly of: (item: T) => number | string | undefined }) | { readonly kind: 'texts'; readonly plural: string; readonly some: ManyField<T>['some'] };

/** The attributes of items, found in any case and by other names that they have elsewhere. */
export function attributeFields<T>(
  entities: readonly [string, string, ...string[]],
  attributes: Readonly<Record<string, AttributeField<T>>>,
  aliases: Readonly<Record<string, string>>,
): SearchSubject<T> {
  const names = Object.keys(attributes);
  const fields = new Map<string, SearchField<T>>(
    Object.entries(attributes).map(([name, attribute]) => [name.toLowerCase(), attributeField(name, `${entities[1]} ${name}`, attribute)]),
  );
  for (const [alias, name] of Object.entries(aliases)) fields.set(alias, fields.get(name.toLowerCase())!);
  return {
    entities,
    many: false,
    field: (name) => fields.get(name.toLowerCase()),
    unknown(name) {
      const meant = closestWord(name, [...names, ...Object.keys(aliases)]);
      return `there is no ${entities[1]} ${JSON.stringify(name)}; ${meant === undefined ? `the ${entities[0]} are ${names.join(', ')}` : `did you mean ${meant}?`}`;
    },
  };
}

function attributeField<T>(name: string, what: string, attribute: AttributeField<T>): SearchField<T> {
  if (attribute.kind === 'texts') return { name, what, operand: { kind: 'text' }, plural: attribute.plural, some: attribute.some };
  const { of, ...operand } = attribute;
  return { name, what, operand, read: of };
}

/** The fields of things that an item has any number of, such as its datasets. */
export function manyFields<T>(
  entities: readonly [string, string, ...string[]],
  fields: Readonly<Record<string, ManyField<T>['some']>>,
  aliases: Readonly<Record<string, string>>,
): SearchSubject<T> {
  const names = Object.keys(fields);
  const byName = new Map(Object.entries(fields).map(([name, some]): [string, ManyField<T>] => [name.toLowerCase(), { name, what: `${entities[1]} ${name}`, operand: { kind: 'text' }, plural: entities[0], some }]));
  for (const [alias, name] of Object.entries(aliases)) byName.set(alias, byName.get(name)!);
  return {
    entities,
    many: true,
    field: (name) => byName.get(name.toLowerCase()),
    unknown: (name) => `${/^[aeiou]/.test(entities[1]) ? 'an' : 'a'} ${entities[1]} has no ${JSON.stringify(name)}; ask for its ${names.length > 1 ? `${names.slice(0, -1).join(', ')} or ` : ''}${names.at(-1)}`,
  };
}
