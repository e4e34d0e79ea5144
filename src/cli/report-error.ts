import { isModelkeepError } from '../core/errors.ts';
import { stringifyLossless } from '../core/lossless-json.ts';
import type { CliHost } from './host.ts';
import { printableJson, printableLines } from './output/printable.ts';
import { UsageError } from './usage-error.ts';

/** Tells on standard error what went wrong: code, message and hint for people, an object with `--json`. */
export async function reportError(error: unknown, host: CliHost, json: boolean): Promise<void> {
  const { code, message, hint, details } = describe(error);
  if (json) {
    await host.stderr.write(`${printableJson(stringifyLossless({ error: { code, message, hint, details } }))}\n`);
    return;
  }
  const stack = host.env['MODELKEEP_DEBUG'] && error instanceof Error ? error.stack : undefined;
  const lines = [`modelkeep: ${message} [${code}]`, hint, stack].filter((line) => line !== undefined);
  await host.stderr.write(`${printableLines(lines.join('\n'))}\n`);
}

interface Described {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: unknown;
}

function describe(error: unknown): Described {
  if (error instanceof UsageError) return { code: 'usage', message: error.message, hint: error.hint };
  if (isModelkeepError(error)) return { code: error.code, message: error.message, hint: hints[error.code], details: plain(error.details) };
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
  const named = typeof code === 'string' ? code : undefined;
  return { code: named ?? 'unexpected', message, hint: named === undefined ? 'Set MODELKEEP_DEBUG=1 to see where it comes from.' : undefined };
}

/** What to do on the command line, where the message cannot know it. */
const hints: Readonly<Partial<Record<string, string>>> = {
  unauthorized: 'Set MODELKEEP_TOKEN to a token that the server knows.',
  integrity: "'modelkeep store check' lists all that is damaged.",
  'not-a-store': "Give the directory of a store with --store.",
};

function plain(details: object): unknown {
  try {
    return structuredClone(details);
  } catch {
    return undefined;
  }
}
