import { v7, validate, version } from 'uuid';

/** A new UUIDv7: unique, and ordered by the time of its making as text and as bytes. */
export function newId(): string {
  return v7();
}

/** Whether `text` is a UUIDv7 in its usual lower-case form. */
export function isId(text: string): boolean {
  return validate(text) && version(text) === 7 && text === text.toLowerCase();
}
