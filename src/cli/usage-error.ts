import { ValidationError } from '../core/errors.ts';

/** A command line that cannot be understood; it ends with code 2 and nothing was done. */
export class UsageError extends ValidationError {
  override name = 'UsageError';
  /** What to do, as a line of its own. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message, hint === undefined ? {} : { hint });
    this.hint = hint;
  }
}
