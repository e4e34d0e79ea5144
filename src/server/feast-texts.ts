import { toBase64 } from '../core/bytes.ts';
import type { ColumnType } from '../core/column.ts';
import { stringifyLossless } from '../core/lossless-json.ts';
import type { FeatureStatus, RecordAnswer } from '../features/record-answer.ts';
import type { ServedFeatures } from '../features/serve.ts';

const epoch = '1970-01-01T00:00:00Z';

/** What an answer that is kept with its record says on the wire. */
interface AnswerTexts {
  /** By feature; what nobody asked for yet is not there. */
  readonly values: string[];
  /** Whether there is a value of every feature. */
  readonly isWhole: boolean;
  readonly time: string;
}

/** Writes answers as Feast does. A number takes longer to write than to find, so the texts of answers that a store keeps are kept as long as these. */
export class FeastTexts {
  readonly #known = new WeakMap<RecordAnswer, AnswerTexts>();

  /** The answer to a request for features: entity keys first, then the features, each a column. `types` has the type of each feature column. */
  answer(found: ServedFeatures, types: ReadonlyMap<string, ColumnType>): string {
    const rows = found.entities.length;
    const allPresent = repeated(quoted.PRESENT, rows);
    const noTimes = repeated(`"${epoch}"`, rows);
    const timeOf = timeTexts();
    const views = found.views.map(({ answers }) => this.#viewTexts(answers, timeOf, allPresent));
    const results = found.names.map((name) => result(stringifyLossless(found.given(name)), allPresent, noTimes));
    for (const { column, id } of found.columns) {
      const wire = wireValueOf(types.get(column));
      const place = found.place(id);
      if (place !== undefined) {
        results.push(views[place.view]!.result(place.feature, wire));
        continue;
      }
      const { values, statuses, timestamps } = found.get(id);
      results.push(result(stringifyLossless(wire ? values.map(wire) : values), JSON.stringify(statuses), listed(timestamps.map(timeOf))));
    }
    const names = [...found.names, ...found.columns.map(({ column }) => column)];
    return `{"metadata":{"feature_names":${JSON.stringify(names)}},"results":[${results.join(',')}]}`;
  }

  #viewTexts(answers: readonly RecordAnswer[], timeOf: (time: number | null) => string, allPresent: string): ViewTexts {
    return new ViewTexts(answers, answers.map((answer) => this.#textsOf(answer, timeOf)), allPresent);
  }

  #textsOf(answer: RecordAnswer, timeOf: (time: number | null) => string): AnswerTexts {
    let texts = this.#known.get(answer);
    if (texts === undefined) this.#known.set(answer, (texts = { values: [], isWhole: answer.statuses.every((status) => status === 'PRESENT'), time: timeOf(answer.timestamp) }));
    return texts;
  }
}

/** A view's answers on the wire; what its features have in common is written once. */
class ViewTexts {
  readonly #answers: readonly RecordAnswer[];
  readonly #texts: readonly AnswerTexts[];
  readonly #times: string;
  /** The statuses of each feature, where there is a value of all. */
  readonly #allPresent: string | undefined;

  constructor(answers: readonly RecordAnswer[], texts: readonly AnswerTexts[], allPresent: string) {
    this.#answers = answers;
    this.#texts = texts;
    this.#times = listed(texts.map(({ time }) => time));
    this.#allPresent = texts.every(({ isWhole }) => isWhole) ? allPresent : undefined;
  }

  /** A feature's column. */
  result(feature: number, wire: ((value: unknown) => unknown) | undefined): string {
    const values = this.#texts.map((each, i) => (each.values[feature] ??= valueText(this.#answers[i]!.values[feature], wire)));
    return result(listed(values), this.#allPresent ?? listed(this.#answers.map(({ statuses }) => quoted[statuses[feature]!])), this.#times);
  }
}

const quoted: Readonly<Record<FeatureStatus, string>> = { PRESENT: '"PRESENT"', NULL_VALUE: '"NULL_VALUE"', NOT_FOUND: '"NOT_FOUND"', OUTSIDE_MAX_AGE: '"OUTSIDE_MAX_AGE"' };

function valueText(value: unknown, wire: ((value: unknown) => unknown) | undefined): string {
  return stringifyLossless(wire ? wire(value) : value);
}

function result(values: string, statuses: string, times: string): string {
  return `{"values":${values},"statuses":${statuses},"event_timestamps":${times}}`;
}

function repeated(text: string, times: number): string {
  return listed(new Array<string>(times).fill(text));
}

function listed(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

/** Times as epoch seconds, bytes as base64; `undefined` for values that are as they are. */
function wireValueOf(type: ColumnType | undefined): ((value: unknown) => unknown) | undefined {
  if (type === 'timestamp') return (value) => (typeof value === 'number' ? value / 1000 : value);
  if (type === 'bytes') return (value) => (value instanceof Uint8Array ? toBase64(value) : value);
  return undefined;
}

/** Writes times as protobuf does, with a fraction only where there is one (RFC 3339); each only once. */
function timeTexts(): (time: number | null) => string {
  const texts = new Map<number | null, string>([[null, `"${epoch}"`]]);
  return (time) => {
    let text = texts.get(time);
    if (text === undefined) texts.set(time, (text = `"${new Date(time!).toISOString().replace('.000Z', 'Z')}"`));
    return text;
  };
}
