/**
 * Why an estimate is to be doubted. `poor-calibration`: on rows of the reference that it was not fitted to, what the scores promise does not come true, beyond chance and by more than 0.01. `outside-reference`: more than 5 % of the
 * rows are unlike all of the reference, so that nothing is known of them. `uninformative`: nothing in the rows tells where errors are large, so that the estimate stays what the reference had.
 */
export type EstimateWarning = 'poor-calibration' | 'outside-reference' | 'uninformative';

/** The share of rows unlike the reference from which an estimate is doubted. */
export const mostOutside = 0.05;
