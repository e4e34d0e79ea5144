// Ids and times grow and lists ascend, so each digit is turned around: what is newest comes first, and what begins meanwhile comes before every cursor.
const digits = '0123456789abcdef';

/** The part of a key under which something with an id or a time in hexadecimal digits is filed, so that keys ascend from the newest to the oldest. Applied again, it gives the text back. */
export function newestFirst(text: string): string {
  return text.replace(/[0-9a-f]/g, (digit) => digits[15 - digits.indexOf(digit)]!);
}
