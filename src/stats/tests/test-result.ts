/** What every test of a hypothesis tells; each test adds what else it knows. */
export interface TestResult {
  /** The test's statistic; 0 when there was too little to compare. */
  readonly statistic: number;
  /** The probability of a statistic at least as extreme when the null hypothesis is true: 0 to 1, never NaN. 1 when there was too little to compare, for that is no evidence. */
  readonly pValue: number;
  /** Which variant of the test gave these numbers. */
  readonly method: string;
}

/** On which side a difference counts as evidence: `greater` when the first sample's values tend to be larger, `less` when they tend to be smaller. */
export type Alternative = 'two-sided' | 'greater' | 'less';
