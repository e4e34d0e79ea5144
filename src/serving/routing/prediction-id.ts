import { isId, type IdMaker } from '../../core/ids.ts';
import type { Arm } from '../prediction.ts';

/** What an id tells of its prediction. */
export interface PredictionOrigin {
  readonly version: number;
  readonly arm: Arm;
  readonly variant?: string | undefined;
}

const idLength = 36;
const tail = /^\.([1-9]\d{0,8})\.(stable|control|candidate)(?:\.(.+))?$/s;

/** A new id, which tells where its prediction came from to whoever gets feedback on it, in whichever process. */
export function newPredictionId(ids: IdMaker, { version, arm, variant }: PredictionOrigin): string {
  const id = `${ids.next()}.${version}.${arm}`;
  return variant === undefined ? id : `${id}.${encodeURIComponent(variant)}`;
}

/** Where the prediction of an id came from; `undefined` for one that was not made here. */
export function originOf(id: string): PredictionOrigin | undefined {
  const match = isId(id.slice(0, idLength)) ? tail.exec(id.slice(idLength)) : null;
  if (match === null) return undefined;
  const [, version, arm, variant] = match;
  try {
    return { version: Number(version), arm: arm as Arm, ...(variant !== undefined && { variant: decodeURIComponent(variant) }) };
  } catch {
    return undefined;
  }
}
