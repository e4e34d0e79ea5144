import { v5, v7, validate, version } from 'uuid';

/** A new UUIDv7: unique, and ordered by the time of its making as text and as bytes. */
export function newId(): string {
  return v7();
}

/** Whether `text` is a UUIDv7 in its usual lower-case form. */
export function isId(text: string): boolean {
  return validate(text) && version(text) === 7 && text === text.toLowerCase();
}

// Of our own, so that no other program derives the same ids from the same texts.
const namespace = '6f1d3b0e-6a52-4c0f-9a3e-0d6f4f2b7c11';

/** The UUIDv5 of a text: the same text always has the same (RFC 9562 §5.5). */
export function idOfText(text: string): string {
  return v5(text, namespace);
}
