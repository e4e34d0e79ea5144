import { unescapeSegment } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readEachHead } from '../../storage/head-record.ts';
import { damageAt, isDamage } from '../../storage/read-each.ts';
import { currentView, isOnDemand, viewsPrefix, type CurrentView, type ViewState } from '../definitions/definition-states.ts';

/** A feature view as it is in force, and when it was first defined. */
export interface DefinedView {
  readonly current: CurrentView;
  readonly since: number;
}

/** A feature view, or why it cannot be read; `place` is where it stands among the others. */
export type EachView = { readonly name: string; readonly place: string } & ({ readonly defined: DefinedView } | { readonly error: unknown });

/** Every feature view by name, from behind a place; a view that is damaged hides no other. Each is read when it comes to it, some dozen at once. */
export async function* everyView(storage: StorageAdapter, after: string | undefined, { signal }: OperationOptions): AsyncGenerator<EachView> {
  let from = after === undefined ? undefined : viewsPrefix + after;
  do {
    const page = await storage.list({ kind: 'record', prefix: viewsPrefix, after: from }, { signal });
    const keys = page.entries.map(({ key }) => key);
    const heads = await readEachHead<ViewState>(storage, keys, { signal });
    for (const [i, head] of heads.entries()) {
      const place = keys[i]!.slice(viewsPrefix.length);
      const name = unescapeSegment(place) ?? place;
      if (head === undefined) continue;
      if ('error' in head) yield { name, place, error: damageAt(keys[i]!, head.error) };
      else if (!isOnDemand(head.state)) yield { name, place, defined: { current: currentView(name, head.state), since: head.state.versions[0]!.at } };
    }
    from = page.next;
  } while (from !== undefined);
}

/** What `read` gives, or the damage that it met; whatever else fails is thrown on. */
export async function unlessDamaged<T>(read: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { error };
  }
}
