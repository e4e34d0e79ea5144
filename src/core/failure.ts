/** A failure as data, for records: what was thrown, without its stack. */
export interface FailureRecord {
  name: string;
  message: string;
  code?: string;
}

/** What anything that was thrown says of itself. */
export function describeFailure(error: unknown): FailureRecord {
  if (typeof error !== 'object' || error === null) return { name: typeof error, message: String(error) };
  const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : Object.prototype.toString.call(error),
    ...(typeof code === 'string' ? { code } : {}),
  };
}
