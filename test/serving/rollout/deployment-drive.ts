import type { LoadPredictor } from 'modelkeep';

/** A model that multiplies by what its file says. */
export const loadSlope: LoadPredictor<number, number> = async (version) => {
  const slope = Number(new TextDecoder().decode(await version.file('slope')));
  return (x) => slope * x;
};
