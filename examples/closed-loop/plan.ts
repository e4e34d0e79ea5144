/** Milliseconds. */
export const day = 86_400_000;

/** How much of the year is lived through, and how much of its traffic. Times are epoch milliseconds of 2001, kept as if they were UTC. */
export interface Plan {
  /** The first flights that the features know. */
  readonly dataFrom: number;
  /** When the first model goes into production, and requests begin. */
  readonly serviceFrom: number;
  /** When somebody trains a model on features that know the future. */
  readonly mishapAt: number;
  /** When a test of another kind of model begins. */
  readonly testAt: number;
  /** When the story ends. */
  readonly end: number;
  /** How long a model learns, and how long it is judged afterwards. */
  readonly learning: number;
  readonly judging: number;
  /** How many flights a model learns from, and is judged on. */
  readonly trainingRows: number;
  readonly judgingRows: number;
  /** How many requests come on a day. */
  readonly requestsPerDay: number;
  /** How long the windows of the monitor are. */
  readonly window: `${number}d`;
}

const january = Date.UTC(2001, 0, 1);

/** The first half of 2001, with its three million flights. */
export const wholePlan: Plan = {
  dataFrom: january,
  serviceFrom: Date.UTC(2001, 1, 1),
  mishapAt: Date.UTC(2001, 3, 5),
  testAt: Date.UTC(2001, 3, 12),
  end: Date.UTC(2001, 6, 1),
  learning: 21 * day,
  judging: 7 * day,
  trainingRows: 40_000,
  judgingRows: 15_000,
  requestsPerDay: 1_200,
  window: '7d',
};

/** The same story within the first weeks, for tests: models learn from days, and windows are shorter. */
export const shortPlan: Plan = {
  ...wholePlan,
  serviceFrom: Date.UTC(2001, 0, 8),
  mishapAt: Date.UTC(2001, 0, 15),
  testAt: Date.UTC(2001, 0, 19),
  end: Date.UTC(2001, 0, 29),
  learning: 4 * day,
  judging: 2 * day,
  trainingRows: 15_000,
  judgingRows: 5_000,
  requestsPerDay: 2_000,
  window: '2d',
};
