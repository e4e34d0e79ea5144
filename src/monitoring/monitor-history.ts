import * as z from 'zod/mini';
import type { AuditEvent } from '../core/audit.ts';
import { ValidationError } from '../core/errors.ts';
import type { Page } from '../core/page.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { HeadLocation } from '../storage/head-record.ts';
import { HistoryPages } from '../storage/history-pages.ts';
import type { AlertHistoryOptions } from './monitor-options.ts';

const limitSchema = z.int().check(z.minimum(1), z.maximum(10_000));

/** Lists what happened to a monitor. */
export class MonitorHistory {
  readonly #pages: HistoryPages;

  constructor(at: HeadLocation) {
    this.#pages = new HistoryPages(at);
  }

  /** A page of the events of some types, oldest first. */
  async page(types: readonly string[], { after, limit: wanted, signal }: AlertHistoryOptions): Promise<Page<AuditEvent>> {
    const limit = check(limitSchema, wanted ?? 100, 'limit');
    if (after !== undefined && !/^\d{1,15}$/.test(after)) throw new ValidationError(`after is ${shown(after, 80)}; give the next of a page.`, { path: 'after' });
    const { events, next } = await this.#pages.page(Number(after ?? 0), { limit, wants: ({ type }) => types.includes(type), signal });
    return { items: events, ...(next !== undefined && { next: String(next) }) };
  }
}
