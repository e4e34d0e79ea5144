import type { ErrorCode } from '../core/errors.ts';
import { stringifyLossless } from '../core/lossless-json.ts';
import { bytesAnswer, jsonType, type Answer } from './answer.ts';
import { utf8 } from '../core/bytes.ts';
import { Refusal } from './refusal.ts';

/** A refusal that Feast words differently. */
export class FeastRefusal extends Refusal {
  /** Status and body, before it becomes JSON, of Feast's own answer. */
  readonly feast: { readonly status: number; readonly body: unknown };

  constructor(status: number, code: ErrorCode, message: string, feast: { status: number; body: unknown }) {
    super(status, code, message);
    this.feast = feast;
  }
}

/** The body of an error that Feast knows: JSON in a JSON text. */
function known(name: string, message: string): string {
  return JSON.stringify({ module: 'feast.errors', class: name, message });
}

/** 404: no such view. */
export function noView(name: string): FeastRefusal {
  return new FeastRefusal(404, 'not-found', `There is no feature view '${name}'.`, { status: 404, body: known('FeatureViewNotFoundException', `Feature view ${name} does not exist`) });
}

/** 404: no such service. */
export function noService(name: string): FeastRefusal {
  return new FeastRefusal(404, 'not-found', `There is no feature service '${name}'.`, {
    status: 404,
    body: known('FeatureServiceNotFoundException', `Feature service ${name} does not exist`),
  });
}

/** 404: the view has no such feature; Feast answers 500. */
export function noFeature(view: string, feature: string): FeastRefusal {
  return new FeastRefusal(404, 'not-found', `The feature view '${view}' has no feature '${feature}'.`, { status: 500, body: `'Feature ${feature} not found in projection ${view}'` });
}

/** 404: nothing takes what is pushed. */
export function noPushSource(name: string): FeastRefusal {
  return new FeastRefusal(404, 'not-found', `There is no feature view, nor a push source, '${name}'.`, { status: 422, body: known('PushSourceNotFoundException', `Unable to find push source '${name}'.`) });
}

/** 400: an entity column is not there. */
export function noKeys(names: readonly string[]): FeastRefusal {
  const list = names.map((name) => `'${name}'`).join(', ');
  return new FeastRefusal(400, 'validation', `entities lacks the key ${list}.`, { status: 500, body: `"Missing join key values for keys: [${list}]. No values provided for keys: [${list}]. Provided join_key_values: []"` });
}

/** 400: a field of the body is not there. */
export function noField(field: string, input: unknown): FeastRefusal {
  return new FeastRefusal(400, 'validation', `body.${field} is missing.`, { status: 422, body: { detail: [{ type: 'missing', loc: ['body', field], msg: 'Field required', input }] } });
}

/** An error as Feast's server words it; what it has no words for keeps its status, `ours` being the answer without quirks. */
export function asFeast(error: unknown, ours: Answer): Answer {
  if (error instanceof FeastRefusal) return textAnswer(error.feast.status, stringifyLossless(error.feast.body));
  const body = typeof ours.body === 'string' ? ours.body : new TextDecoder().decode(ours.body as Uint8Array);
  const wire = (JSON.parse(body) as { error: { code: string; message: string } }).error;
  const status = ours.status === 400 ? 422 : ours.status;
  const { 'content-length': _, ...headers } = ours.headers;
  return textAnswer(status, JSON.stringify(JSON.stringify({ module: 'modelkeep', class: wire.code, message: wire.message })), headers);
}

/** An answer of a text that is JSON already. */
export function textAnswer(status: number, text: string, headers?: Readonly<Record<string, string>>): Answer {
  return bytesAnswer(status, jsonType, utf8(text), headers);
}
