/** Where modelkeep tells what it does: anything shaped like pino or `console`. Nothing is printed without one. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Is told of a failure in the background. */
export type ErrorListener = (error: unknown) => void;
