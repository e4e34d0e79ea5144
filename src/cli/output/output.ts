import { stringifyLossless } from '../../core/lossless-json.ts';
import type { CliHost } from '../host.ts';
import { textPage, type TextPage } from './page.ts';
import { printableJson, printableLines } from './printable.ts';

/** Where a command writes what it found. */
export interface Output {
  /** Whether `--json` was given. */
  readonly json: boolean;
  /** Writes a result: the value as one line of JSON with `--json`, else the text. Where JSON has no number, as for NaN, it has the text `"NaN"`; bytes are Base64. */
  result(value: unknown, text: (page: TextPage) => string): Promise<void>;
  /** Writes what is no result but a file, such as an export: as it is, or made printable where a terminal would obey what is in it. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Remarks to a person, on standard error; none with `--json`, where the result has it all. */
  note(text: string): Promise<void>;
}

/** The output of a call; `onClosed` is told when nobody reads it any more. */
export function createOutput(host: CliHost, json: boolean, clearLine: () => Promise<void>, onClosed: () => void): Output {
  const write = async (chunk: string | Uint8Array): Promise<void> => {
    await clearLine();
    if (!(await host.stdout.write(chunk))) onClosed();
  };
  return {
    json,
    write: (chunk) => write(host.stdout.isTerminal && typeof chunk === 'string' ? printableLines(chunk.replaceAll('\r\n', '\n')) : chunk),
    async result(value, text) {
      const written = json ? printableJson(stringifyLossless(value)) : text(textPage(host));
      if (written !== '') await write(written.endsWith('\n') ? written : `${written}\n`);
    },
    async note(text) {
      if (json) return;
      await clearLine();
      await host.stderr.write(`${printableLines(text)}\n`);
    },
  };
}
