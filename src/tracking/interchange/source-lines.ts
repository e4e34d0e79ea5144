import { throwIfAborted } from '../../core/abort.ts';
import type { OpenSourceOptions, SourceFile } from './source-directory.ts';

/** A line of a file. */
export interface SourceLine {
  readonly text: string;
  /** The byte at which it begins. */
  readonly offset: number;
  /** Whether a line break follows; the last line of a file that was cut off has none. */
  readonly ended: boolean;
  /** Whether it goes on beyond what is kept of a line. */
  readonly cut: boolean;
}

const longestLine = 1 << 24;
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

/** The lines of a file, some at once, without their line breaks (`\n` or `\r\n`; with `keepReturn`, the `\r` stays). Bytes that are not UTF-8 become U+FFFD. Of a line beyond 16 MB, the beginning is given. */
export async function* sourceLines(file: SourceFile, options: OpenSourceOptions & { keepReturn?: boolean } = {}): AsyncGenerator<SourceLine[]> {
  const { start = 0, keepReturn = false, signal } = options;
  let offset = start;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let dropped = 0;
  const hold = (part: Uint8Array): void => {
    // A copy, since whoever reads a file may use its buffer again.
    const kept = part.slice(0, Math.max(0, longestLine - heldBytes));
    held.push(kept);
    heldBytes += kept.length;
    dropped += part.length - kept.length;
  };
  const lines = (ended: boolean): SourceLine[] => {
    const found = splitLines(held.length === 1 ? held[0]! : joined(held, heldBytes), offset, ended, dropped, keepReturn);
    offset += heldBytes + dropped;
    held = [];
    heldBytes = 0;
    dropped = 0;
    return found;
  };
  for await (const chunk of file.open(options)) {
    throwIfAborted(signal, `Reading ${file.name}`);
    const end = chunk.lastIndexOf(0x0a) + 1;
    if (end > 0) {
      // Beyond the longest line, what is left out ends with the first line of the chunk.
      const from = heldBytes >= longestLine ? chunk.indexOf(0x0a) : 0;
      dropped += from;
      held.push(chunk.subarray(from, end));
      heldBytes += end - from;
      yield lines(true);
    }
    if (end < chunk.length) hold(chunk.subarray(end));
  }
  if (heldBytes > 0) yield lines(false);
}

/** `dropped` bytes of the first line are not there. */
function splitLines(bytes: Uint8Array, start: number, ended: boolean, dropped: number, keepReturn: boolean): SourceLine[] {
  const lines: SourceLine[] = [];
  let offset = start;
  const add = (text: string, size: number): void => {
    const isFirst = lines.length === 0;
    lines.push({ text: ended && !keepReturn && text.endsWith('\r') ? text.slice(0, -1) : text, offset, ended, cut: isFirst && dropped > 0 });
    offset += size + 1 + (isFirst ? dropped : 0);
  };
  const whole = decoder.decode(bytes);
  // As many characters as bytes: each is of one byte, so that places in the text are places in the file.
  if (whole.length === bytes.length) {
    for (let from = 0; from < whole.length; ) {
      const at = whole.indexOf('\n', from);
      const end = at < 0 ? whole.length : at;
      add(whole.slice(from, end), end - from);
      from = end + 1;
    }
    return lines;
  }
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(0x0a, from);
    const end = at < 0 ? bytes.length : at;
    add(decoder.decode(bytes.subarray(from, end)), end - from);
    from = end + 1;
  }
  return lines;
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
