/** Where modelkeep tells what it does: anything shaped like pino or `console`. Nothing is printed without one. */
export interface Logger {
  /** Takes what only helps to find out how something came about. */
  debug(message: string): void;
  /** Takes what went as it should. */
  info(message: string): void;
  /** Takes what went wrong and was made good or can wait. */
  warn(message: string): void;
  /** Takes what went wrong and needs someone. */
  error(message: string): void;
}

/** Is told of a failure in the background. */
export type ErrorListener = (error: unknown) => void;
