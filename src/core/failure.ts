import { wellFormed } from './bytes.ts';

/** A failure as data, for records: what was thrown, without its stack. */
export interface FailureRecord {
  /** The name of the error's class, or the `typeof` of what was thrown when it was no object. */
  name: string;
  /** What the error said, at most 10,000 characters. */
  message: string;
  /** The error's `code`; absent when it has none that is a text. */
  code?: string;
}

/** What anything that was thrown says of itself, fit to be stored: well-formed and cut at 10,000 characters. Never throws, whatever it is given. */
export function describeFailure(error: unknown): FailureRecord {
  try {
    if (typeof error !== 'object' || error === null) return { name: typeof error, message: storable(String(error)) };
    const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
    return {
      name: typeof name === 'string' ? storable(name) : 'Error',
      message: typeof message === 'string' ? storable(message) : Object.prototype.toString.call(error),
      ...(typeof code === 'string' ? { code: storable(code) } : {}),
    };
  } catch {
    return { name: 'Error', message: 'What was thrown could not be read.' };
  }
}

const longest = 10_000;

function storable(text: string): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return wellFormed(cut);
}
