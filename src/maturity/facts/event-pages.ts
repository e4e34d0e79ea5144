import type { AuditEvent } from '../../core/audit.ts';
import type { Key } from '../../core/key.ts';
import { HistoryPages } from '../../storage/history-pages.ts';
import type { Assessment } from './assessment.ts';

const eventsAtOnce = 200;

/** The events of a history, oldest first, as many at once as a page holds. */
export async function* eachEvent({ storage, clock, signal }: Assessment, key: Key): AsyncGenerator<AuditEvent, void, undefined> {
  const pages = new HistoryPages({ storage, key, clock });
  let after: number | undefined = 0;
  while (after !== undefined) {
    const page = await pages.page(after, { limit: eventsAtOnce, wants: () => true, signal });
    yield* page.events;
    after = page.next;
  }
}
