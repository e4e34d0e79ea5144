import { timestampOf } from '../core/column.ts';
import { isModelkeepError } from '../core/errors.ts';
import { parseRef } from '../features/definitions/feature-ref.ts';
import type { FeatureView } from '../features/definitions/feature-view.ts';
import type { FeatureSchema } from '../features/feature-schema.ts';
import type { FeatureStore } from '../features/feature-store.ts';
import { jsonAnswer, type Answer } from './answer.ts';
import { noFeature, noField, noKeys, noPushSource, noService, noView, textAnswer } from './feast-refusal.ts';
import { servedFeatures, type ServesFeatures } from '../features/serve.ts';
import type { FeastTexts } from './feast-texts.ts';
import { pushedColumns, rowsOf, wireColumns } from './feast-wire.ts';
import type { MaterializeJobs } from './materialize-jobs.ts';
import { Refusal } from './refusal.ts';

/** One request to a feature server: what it says and what it works with. */
export interface FeatureCall {
  readonly store: FeatureStore;
  readonly body: Readonly<Record<string, unknown>>;
  readonly query: URLSearchParams;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly maxValues: number;
  readonly pushSources: Readonly<Record<string, string>>;
  readonly jobs: MaterializeJobs;
  readonly texts: FeastTexts;
  /** Throws unless the request may do this to the view. */
  readonly permit: (action: 'read' | 'write' | 'call' | 'list', view: string) => Promise<void>;
}

/** What is done for each path. */
export const featureCalls: Readonly<Record<string, (call: FeatureCall) => Promise<Answer>>> = {
  '/get-online-features': getOnlineFeatures,
  '/push': push,
  '/write-to-online-store': (call) => take(call, text(call, 'feature_view_name'), true, noView, 'null'),
  '/materialize': (call) => materialize(call, true),
  '/materialize-incremental': (call) => materialize(call, false),
};

async function getOnlineFeatures(call: FeatureCall): Promise<Answer> {
  const { body, store, signal } = call;
  if (body['entities'] === undefined) throw noField('entities', body);
  const features = featuresOf(body);
  const fullFeatureNames = flag(call, 'full_feature_names', false);
  const { columns, rowCount } = wireColumns(body['entities'], 'entities');
  // Leave is asked before anything is told of what there is.
  const named = typeof features === 'string' ? [features] : [...new Set(features.map((ref, i) => parseRef(ref, `body.features[${i}]`).view))];
  for (const name of named) await call.permit('read', name);
  const schema = await schemaFor(call, features, fullFeatureNames);
  for (const view of schema.views) if (!named.includes(view)) await call.permit('read', view);
  const lacking = [...schema.keys, ...Object.keys(schema.request)].filter((name) => !Object.hasOwn(columns, name));
  if (lacking.length > 0) throw noKeys(lacking);
  const values = rowCount * (schema.columns.length + Object.keys(columns).length);
  if (values > call.maxValues) throw new Refusal(413, 'validation', `The answer would have ${values} values; at most ${call.maxValues} are given at once.`, { details: { limit: call.maxValues } });
  const found = await (store as FeatureStore & ServesFeatures)[servedFeatures]({ entities: rowsOf(columns, rowCount), features, fullFeatureNames, signal });
  return textAnswer(200, call.texts.answer(found, new Map(schema.columns.map(({ name, type }) => [name, type]))));
}

/** What a request would be given, errors worded as those of the protocol. */
async function schemaFor({ store, signal }: FeatureCall, features: string | string[], fullFeatureNames: boolean): Promise<FeatureSchema> {
  try {
    return await store.describeFeatures(features, { fullFeatureNames, signal });
  } catch (error) {
    if (!isModelkeepError(error, 'not-found')) throw error;
    const { key } = error.details;
    if (typeof features === 'string') throw key === features ? noService(features) : error;
    const [view, feature] = String(key).split(':');
    const ref = features.map((each) => parseRef(each, 'body.features')).find((each) => each.view === view);
    if (ref === undefined) throw error;
    throw feature === undefined ? noView(ref.view) : noFeature(ref.view, feature);
  }
}

/** The service or the references that a request asks for. */
function featuresOf(body: FeatureCall['body']): string | string[] {
  const { features, feature_service: service } = body;
  if (service !== undefined && service !== null) {
    if (typeof service !== 'string' || service === '') throw invalid('body.feature_service must be the name of a service.');
    return service;
  }
  if (features === undefined || features === null) throw noField('features', body);
  if (!Array.isArray(features) || features.length === 0 || features.some((name) => typeof name !== 'string')) throw invalid('body.features must be a list of references such as "driver_stats:trips".');
  return [...new Set(features as string[])];
}

async function push(call: FeatureCall): Promise<Answer> {
  const source = text(call, 'push_source_name');
  const to = call.body['to'] ?? 'online';
  if (to !== 'online' && to !== 'offline' && to !== 'online_and_offline') throw invalid('body.to must be "online", "offline" or "online_and_offline".');
  return take(call, Object.hasOwn(call.pushSources, source) ? call.pushSources[source]! : source, to !== 'offline', () => noPushSource(source), '');
}

/** Ingests what was sent; the log has it in any case, since training must know what serving saw. */
async function take(call: FeatureCall, name: string, online: boolean, unknown: (name: string) => Refusal, done: string): Promise<Answer> {
  if (call.body['df'] === undefined) throw noField('df', call.body);
  const { columns } = wireColumns(call.body['df'], 'df');
  await call.permit('write', name);
  const view = await viewOf(call, name, unknown);
  await call.store.ingest(name, pushedColumns(view, columns), { online, signal: call.signal });
  return textAnswer(200, done);
}

async function materialize(call: FeatureCall, ranged: boolean): Promise<Answer> {
  const everything = flag(call, 'disable_event_timestamp', false);
  const end = everything ? call.now() : Math.min(time(call, 'end_ts'), call.now());
  if (ranged && !everything && time(call, 'start_ts') > time(call, 'end_ts')) throw invalid('body.start_ts is later than body.end_ts.');
  const given = call.body['feature_views'] ?? [];
  if (!Array.isArray(given) || given.some((name) => typeof name !== 'string')) throw invalid('body.feature_views must be a list of names.');
  if (given.length === 0) await call.permit('list', '');
  const names = given.length > 0 ? [...new Set(given as string[])] : (await call.store.listViews({ signal: call.signal })).map(({ name }) => name);
  for (const name of names) {
    await call.permit('call', name);
    if (given.length > 0) await viewOf(call, name, noView);
  }
  const background = asked(call, 'async');
  const job = call.jobs.start(names, asked(call, 'force'), async () => {
    for (const name of names) await call.store.materialize(name, { end, ...(!background && { signal: call.signal }) });
  });
  if (background) {
    call.jobs.leave(job);
    return jsonAnswer({ status: 'accepted', feature_views: names }, { status: 202 });
  }
  await job;
  return textAnswer(200, 'null');
}

async function viewOf({ store, signal }: FeatureCall, name: string, unknown: (name: string) => Refusal): Promise<FeatureView> {
  try {
    return await store.getView(name, { signal });
  } catch (error) {
    throw isModelkeepError(error, 'not-found') ? unknown(name) : error;
  }
}

function text({ body }: FeatureCall, field: string): string {
  const value = body[field];
  if (value === undefined) throw noField(field, body);
  if (typeof value !== 'string' || value === '') throw invalid(`body.${field} must be a name.`);
  return value;
}

function flag({ body }: FeatureCall, field: string, otherwise: boolean): boolean {
  const value = body[field] ?? otherwise;
  if (typeof value !== 'boolean') throw invalid(`body.${field} must be true or false.`);
  return value;
}

function time({ body }: FeatureCall, field: string): number {
  const value = body[field];
  if (value === undefined) throw noField(field, body);
  const found = typeof value === 'string' ? timestampOf(value) : undefined;
  if (found === undefined) throw invalid(`body.${field} must be a time as ISO 8601 text, such as "2024-01-02T00:00:00"; it is UTC when it names no zone.`);
  return found;
}

function asked({ query }: FeatureCall, name: string): boolean {
  return query.get(name) === 'true';
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'validation', message);
}
