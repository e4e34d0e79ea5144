import { Refusal } from '../refusal.ts';

/** The number of a version in an address. */
export function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new Refusal(400, "'version' in the address must be the number of a version, such as 3.");
  return Number(text);
}
