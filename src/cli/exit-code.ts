/** What the process ends with: 0 done, 1 an error, 2 wrong usage, 3 a gate failed (drift, a refused promotion, a level that is not reached), 130 Ctrl-C, 143 SIGTERM. */
export type ExitCode = 0 | 1 | 2 | 3 | 130 | 143;

/** The exit codes by what they mean. */
export const exitCodes: { readonly done: 0; readonly failed: 1; readonly usage: 2; readonly gate: 3 } = { done: 0, failed: 1, usage: 2, gate: 3 };
