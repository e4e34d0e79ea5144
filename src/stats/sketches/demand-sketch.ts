import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** Throws `ValidationError` where two sketches that should merge were made with different settings. */
export function demandEqualSettings(kind: string, setting: string, own: unknown, other: unknown): void {
  if (own === other) return;
  throw new ValidationError(`A ${kind} with ${setting} ${shown(own, 60)} cannot take in one with ${setting} ${shown(other, 60)}; make all that will be merged with the same ${setting}.`, {
    path: setting,
  });
}

/** Throws `ValidationError` unless what is to be merged is a sketch of the same class. */
export function demandSketch(kind: string, isOne: boolean, other: unknown): void {
  if (isOne) return;
  throw new ValidationError(`A ${kind} can only take in another ${kind}, not ${shown(other, 60)}; read stored states with fromJSON first.`, { path: 'other' });
}
