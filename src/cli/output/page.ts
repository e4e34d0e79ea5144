import type { CliHost } from '../host.ts';

/** What a text is written onto. */
export interface TextPage {
  /** Columns; infinite where nothing is cut, as in a file or a pipe. */
  readonly width: number;
  /** IANA name of the zone that times are shown in. */
  readonly timeZone: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Emphasised, dim and coloured texts; as they are where there are no colours. */
  readonly style: Style;
}

/** How a text is set off. */
export type Style = (kind: 'head' | 'good' | 'bad' | 'doubtful' | 'faint', text: string) => string;

const codes = { head: ['1', '22'], good: ['32', '39'], bad: ['31', '39'], doubtful: ['33', '39'], faint: ['2', '22'] } as const;

const plain: Style = (_kind, text) => text;
const coloured: Style = (kind, text) => (text === '' ? '' : `\x1b[${codes[kind][0]}m${text}\x1b[${codes[kind][1]}m`);

/** The page that standard output is. */
export function textPage({ stdout, env, timeZone, clock }: CliHost): TextPage {
  const colours = stdout.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return { width: stdout.columns ?? Infinity, timeZone, now: clock.now(), style: colours ? coloured : plain };
}
