import { isId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { Duration } from '../../core/duration.ts';
import { keys } from '../../tracking/tracking-keys.ts';
import type { StoreChange } from '../../storage/watch.ts';
import type { Query } from '../query.ts';
import { Refusal } from '../refusal.ts';

/** A part of a store that is looked at for changes. */
export interface LivePlace {
  readonly prefix: string;
  readonly kind: StoreChange['kind'];
  /** The first so many of the list are looked at, so that a large store costs no more than a small one. */
  readonly most: number;
  readonly every: Duration;
}

/** The most runs whose curves are followed on a list. */
export const followedRuns = 20;

const firstOf = (prefix: string, most = 1): LivePlace => ({ prefix, kind: 'record', most, every: '2s' });
const head = (folder: string, name: string): LivePlace => firstOf(`${folder}/${escapeSegment(name)}`);
const points = (run: string): LivePlace => ({ prefix: keys.metrics(run), kind: 'log', most: 1, every: '1s' });

/** What each kind of page is made of, as far as it changes by itself. Its newest records come first in their lists. */
const topics: Readonly<Record<string, (query: Query) => readonly LivePlace[]>> = {
  runs: (query) => [firstOf(keys.runs, 200), ...query.all('run', followedRuns).map((run) => points(assertRun(run)))],
  run: (query) => {
    const id = assertRun(query.required('id'));
    return [firstOf(keys.run(id)), points(id), firstOf(keys.artifacts(id), 1000)];
  },
  models: () => [firstOf('registry/models/', 1000)],
  model: (query) => [head('registry/models', query.required('name'))],
  pipeline: (query) => [firstOf(`pipelines/${escapeSegment(query.required('name'))}/started/`, 200)],
  'pipeline-run': (query) => {
    const root: Key = `pipelines/${escapeSegment(query.required('pipeline'))}`;
    const id = assertRun(query.required('id'));
    return [firstOf(`${root}/runs/${id}`), firstOf(`${root}/steps/${id}/`, 2000)];
  },
  monitor: (query) => [head('monitors', query.required('name'))],
  rollout: (query) => [head('serving', query.required('model'))],
  test: (query) => [head('experiments', query.required('name')), { prefix: `experiments/${escapeSegment(query.required('name'))}/events`, kind: 'log', most: 1, every: '5s' }],
};

/** Returns the id of a run, of whatever kind, which is part of a key. */
function assertRun(id: string): string {
  if (!isId(id)) throw new Refusal(404, 'There is no run of that id.');
  return id;
}

/** Where to look for what a page shows; none for a page that there is not. */
export function livePlaces(query: Query): readonly LivePlace[] | undefined {
  const name = query.required('of');
  return Object.hasOwn(topics, name) ? topics[name]!(query) : undefined;
}
