import { toBase64 } from '../core/bytes.ts';
import type { ColumnType } from '../core/column.ts';
import { stringifyLossless } from '../core/lossless-json.ts';
import type { RecordAnswer } from '../features/record-answer.ts';
import type { ServedFeatures, ServedPart } from '../features/serve.ts';

const epoch = '1970-01-01T00:00:00Z';

/** What an answer that is kept with its record says on the wire, by feature; what nobody asked for yet is not there. */
interface AnswerTexts {
  readonly values: string[];
  readonly statuses: string[];
  readonly time: string;
}

/** Writes answers as Feast does. A number takes longer to write than to find, so the texts of answers that a store keeps are kept as long as these. */
export class FeastTexts {
  readonly #known = new WeakMap<RecordAnswer, AnswerTexts>();

  /** The answer to a request for features: entity keys first, then the features, each a column. `types` has the type of each feature column. */
  answer(found: ServedFeatures, types: ReadonlyMap<string, ColumnType>): string {
    const rows = found.entities.length;
    const given = found.names.map((name) => result(stringifyLossless(found.given(name)), repeated('"PRESENT"', rows), repeated(`"${epoch}"`, rows)));
    const timeOf = timeTexts();
    const textsOf = this.#viewTexts(timeOf);
    const features = found.columns.map(({ column, id }) => {
      const wire = wireValueOf(types.get(column));
      const part = found.part(id);
      if (part !== undefined) return partResult(part, textsOf(part.answers), wire);
      const { values, statuses, timestamps } = found.get(id);
      return result(stringifyLossless(wire ? values.map(wire) : values), JSON.stringify(statuses), `[${timestamps.map(timeOf).join(',')}]`);
    });
    const names = [...found.names, ...found.columns.map(({ column }) => column)];
    return `{"metadata":{"feature_names":${JSON.stringify(names)}},"results":[${[...given, ...features].join(',')}]}`;
  }

  /** Finds the texts of a view's answers once for all of its features. */
  #viewTexts(timeOf: (time: number | null) => string): (answers: readonly RecordAnswer[]) => ViewTexts {
    const known = new Map<readonly RecordAnswer[], ViewTexts>();
    return (answers) => {
      let found = known.get(answers);
      if (found === undefined) {
        const texts = answers.map((answer) => this.#textsOf(answer, timeOf));
        known.set(answers, (found = { texts, times: `[${texts.map(({ time }) => time).join(',')}]` }));
      }
      return found;
    };
  }

  #textsOf(answer: RecordAnswer, timeOf: (time: number | null) => string): AnswerTexts {
    let texts = this.#known.get(answer);
    if (texts === undefined) this.#known.set(answer, (texts = { values: [], statuses: answer.statuses.map((status) => `"${status}"`), time: timeOf(answer.timestamp) }));
    return texts;
  }
}

interface ViewTexts {
  readonly texts: readonly AnswerTexts[];
  readonly times: string;
}

function partResult({ answers, feature }: ServedPart, { texts, times }: ViewTexts, wire: ((value: unknown) => unknown) | undefined): string {
  let values = '';
  let statuses = '';
  for (let i = 0; i < texts.length; i++) {
    const each = texts[i]!;
    const value = (each.values[feature] ??= valueText(answers[i]!.values[feature], wire));
    values += i === 0 ? value : `,${value}`;
    statuses += i === 0 ? each.statuses[feature]! : `,${each.statuses[feature]!}`;
  }
  return result(`[${values}]`, `[${statuses}]`, times);
}

function valueText(value: unknown, wire: ((value: unknown) => unknown) | undefined): string {
  return stringifyLossless(wire ? wire(value) : value);
}

function result(values: string, statuses: string, times: string): string {
  return `{"values":${values},"statuses":${statuses},"event_timestamps":${times}}`;
}

function repeated(text: string, times: number): string {
  return `[${new Array<string>(times).fill(text).join(',')}]`;
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
