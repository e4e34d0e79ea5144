/** Whether a text has a character that leaves a mark. */
export function isSeen(text: string): boolean {
  return /[^\s\p{C}]/u.test(text);
}

/** A name as it is shown: one in which there is nothing to see in quotes, for nobody could click on it. */
export function seen(name: string): string {
  return isSeen(name) ? name : JSON.stringify(name);
}
