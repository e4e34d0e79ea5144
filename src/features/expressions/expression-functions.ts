import type { ColumnType } from '../../core/column.ts';

/** What goes into a function and comes out of it: a number (of a `float64`, and milliseconds of a `timestamp`), a bigint, a truth value, a text, or `null` for what is missing. */
export type Scalar = number | bigint | boolean | string | null;

/** The types of what goes into a function: `number` is a `float64` or an `int64`, which is turned into the nearest number. */
export type ParameterType = 'number' | Extract<ColumnType, 'string' | 'bool' | 'timestamp' | 'int64'>;

/** A function of an expression. None is put to what is missing: the result is missing then. */
export interface ExpressionFunction {
  /** What it takes, type by type; the last once more for each further one where it is `variadic`. */
  readonly takes: readonly (ParameterType | readonly ParameterType[])[];
  readonly variadic?: true | undefined;
  readonly gives: ColumnType;
  /** A result that is no finite number although all that went in were, such as 1/0, is missing. */
  readonly apply: (...values: never[]) => Scalar;
}

const dayMs = 86_400_000;

function ofNumbers(count: number, apply: (...values: number[]) => number, variadic?: true): ExpressionFunction {
  return { takes: new Array<ParameterType>(count).fill('number'), variadic, gives: 'float64', apply };
}

function ofTime(apply: (date: Date) => number): ExpressionFunction {
  return { takes: ['timestamp'], gives: 'float64', apply: (time: number) => apply(new Date(time)) };
}

function ofText(gives: ColumnType, apply: (text: string) => Scalar): ExpressionFunction {
  return { takes: ['string'], gives, apply };
}

function ofTexts(apply: (text: string, part: string) => boolean): ExpressionFunction {
  return { takes: ['string', 'string'], gives: 'bool', apply };
}

/** The functions by name; operators over numbers are among them. */
export const expressionFunctions: Readonly<Record<string, ExpressionFunction>> = {
  '+': /* @__PURE__ */ ofNumbers(2, (a, b) => a + b),
  '-': /* @__PURE__ */ ofNumbers(2, (a, b) => a - b),
  '*': /* @__PURE__ */ ofNumbers(2, (a, b) => a * b),
  '/': /* @__PURE__ */ ofNumbers(2, (a, b) => a / b),
  '%': /* @__PURE__ */ ofNumbers(2, (a, b) => a % b),
  negate: /* @__PURE__ */ ofNumbers(1, (a) => -a),
  abs: /* @__PURE__ */ ofNumbers(1, Math.abs),
  sign: /* @__PURE__ */ ofNumbers(1, Math.sign),
  sqrt: /* @__PURE__ */ ofNumbers(1, Math.sqrt),
  exp: /* @__PURE__ */ ofNumbers(1, Math.exp),
  log: /* @__PURE__ */ ofNumbers(1, Math.log),
  log1p: /* @__PURE__ */ ofNumbers(1, Math.log1p),
  log10: /* @__PURE__ */ ofNumbers(1, Math.log10),
  pow: /* @__PURE__ */ ofNumbers(2, (a, b) => a ** b),
  floor: /* @__PURE__ */ ofNumbers(1, Math.floor),
  ceil: /* @__PURE__ */ ofNumbers(1, Math.ceil),
  round: /* @__PURE__ */ ofNumbers(1, Math.round),
  least: /* @__PURE__ */ ofNumbers(2, Math.min, true),
  greatest: /* @__PURE__ */ ofNumbers(2, Math.max, true),
  number: { takes: [['number', 'bool', 'timestamp']], gives: 'float64', apply: (value: number | boolean) => Number(value) },
  year: /* @__PURE__ */ ofTime((date) => date.getUTCFullYear()),
  month: /* @__PURE__ */ ofTime((date) => date.getUTCMonth() + 1),
  day: /* @__PURE__ */ ofTime((date) => date.getUTCDate()),
  day_of_week: /* @__PURE__ */ ofTime((date) => ((date.getUTCDay() + 6) % 7) + 1),
  hour: /* @__PURE__ */ ofTime((date) => date.getUTCHours()),
  minute: /* @__PURE__ */ ofTime((date) => date.getUTCMinutes()),
  start_of_day: { takes: ['timestamp'], gives: 'timestamp', apply: (time: number) => Math.floor(time / dayMs) * dayMs },
  lower: /* @__PURE__ */ ofText('string', (text) => text.toLowerCase()),
  upper: /* @__PURE__ */ ofText('string', (text) => text.toUpperCase()),
  trim: /* @__PURE__ */ ofText('string', (text) => text.trim()),
  length: /* @__PURE__ */ ofText('float64', (text) => Array.from(text).length),
  text: { takes: [['string', 'int64', 'number', 'bool']], gives: 'string', apply: (value: Scalar) => String(value) },
  concat: { takes: ['string', 'string'], variadic: true, gives: 'string', apply: (...texts: string[]) => texts.join('') },
  starts_with: /* @__PURE__ */ ofTexts((text, part) => text.startsWith(part)),
  ends_with: /* @__PURE__ */ ofTexts((text, part) => text.endsWith(part)),
  contains: /* @__PURE__ */ ofTexts((text, part) => text.includes(part)),
};
