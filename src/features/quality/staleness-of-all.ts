import type { OperationOptions } from '../../core/progress.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions } from '../../core/trigger-source.ts';
import { everyView, unlessDamaged } from './every-view.ts';
import { checkFreshnessOptions, expectationOf, type FreshnessOptions } from './freshness.ts';
import { advance, isViewCursor, noCursor, type StalenessChange, type StalenessContext, type ViewCursor } from './staleness.ts';

/** How far a consumer has come with all views. */
interface AllCursor {
  /** By name, those that are held to an age. */
  readonly views: readonly (readonly [name: string, cursor: ViewCursor])[];
  /** What happened and was not told yet, since a poll wanted no more. */
  readonly left: readonly TriggerEvent<StalenessChange>[];
}

type AllContext = Omit<StalenessContext, 'viewOf'>;

/** What happened to views since a cursor, oldest first; without one, only which of them are stale by now. */
export async function pollAllStaleness(context: AllContext, options: FreshnessOptions, after: string | undefined, { signal, limit = 100 }: TriggerPollOptions): Promise<TriggerPage<StalenessChange>> {
  const { views, left } = await advanceAll(context, options, after === undefined ? { views: [], left: [] } : parseCursor(after), { signal });
  return { events: left.slice(0, limit), next: JSON.stringify({ views, left: left.slice(limit) } satisfies AllCursor) };
}

/** The cursor of the present: what is stale already is not told of. */
export async function allStalenessNow(context: AllContext, options: FreshnessOptions, operation: OperationOptions): Promise<string> {
  const { views } = await advanceAll(context, options, { views: [], left: [] }, operation);
  return JSON.stringify({ views, left: [] } satisfies AllCursor);
}

async function advanceAll(context: AllContext, options: FreshnessOptions, cursor: AllCursor, operation: OperationOptions): Promise<AllCursor> {
  checkFreshnessOptions(options);
  const before = new Map(cursor.views);
  const views: [string, ViewCursor][] = [];
  const told: TriggerEvent<StalenessChange>[] = [];
  for await (const each of everyView(context.storage, undefined, operation)) {
    const known = before.get(each.name);
    if ('defined' in each && expectationOf(each.defined.current, options).maxAge === undefined) continue;
    const found = 'error' in each ? each : await unlessDamaged(() => advance({ ...context, viewOf: async () => each.defined }, options, known, operation));
    if ('value' in found) {
      views.push([each.name, { ...found.value, left: [] }]);
      told.push(...found.value.left);
    } else if (known !== undefined) views.push([each.name, known]);
  }
  return { views, left: [...cursor.left, ...told.sort((a, b) => a.at - b.at)] };
}

function parseCursor(text: string): AllCursor {
  try {
    const cursor = JSON.parse(text) as AllCursor;
    if (Array.isArray(cursor.left) && cursor.views.every(([name, each]) => typeof name === 'string' && isViewCursor(each))) return cursor;
  } catch {
    // What is no JSON, or of another form, is no cursor either.
  }
  throw noCursor();
}
