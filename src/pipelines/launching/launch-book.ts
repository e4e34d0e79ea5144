import type { AuditEvent } from '../../core/audit.ts';
import type { Clock } from '../../core/clock.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { changeHead, readHead, readHistory, type HeadLocation } from '../../storage/head-record.ts';
import type { Launch } from './launch.ts';

/** What is stored of a schedule or trigger: where it stands, and which of its runs are not over. */
export interface BookState {
  /** Another after each change, so that what was decided on an older state does not come true. */
  readonly revision: number;
  /** When it was first kept, epoch milliseconds. */
  readonly since: number;
  readonly paused: boolean;
  /** Runs that were decided upon and are not known to have ended, oldest first. */
  readonly open: readonly Launch[];
}

/** Who pauses or resumes, and why. */
export interface PauseOptions extends OperationOptions {
  /** Who did it. @default unknown */
  readonly by?: string | undefined;
  /** Why. @default unknown */
  readonly reason?: string | undefined;
}

/** Something that is told in the history of a schedule or trigger. */
export interface BookEvent {
  readonly type: string;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
}

/** Where a book lies, and whose it is. */
export interface BookPlace {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly pipeline: string;
  readonly kind: 'schedule' | 'trigger';
  readonly name: string;
}

/** The record of a schedule or trigger, changed by compare-and-swap together with its history. */
export class LaunchBook<S extends BookState> {
  readonly place: BookPlace;
  readonly #at: HeadLocation & { key: Key };
  readonly #initial: (options: OperationOptions) => Promise<Omit<S, 'revision' | 'since' | 'paused' | 'open'>>;

  constructor(place: BookPlace, initial: (options: OperationOptions) => Promise<Omit<S, 'revision' | 'since' | 'paused' | 'open'>>) {
    this.place = place;
    this.#initial = initial;
    const { storage, clock, pipeline, kind, name } = place;
    this.#at = { storage, clock, key: `pipelines/${escapeSegment(pipeline)}/${kind}s/${escapeSegment(name)}` };
  }

  /** The state, if it was ever kept. */
  read(options: OperationOptions = {}): Promise<S | undefined> {
    return readHead<S>(this.#at, options);
  }

  /** The state, which begins now if it was never kept. */
  async open(options: OperationOptions = {}): Promise<S> {
    const present = await this.read(options);
    if (present) return present;
    const own = await this.#initial(options);
    const { state } = await changeHead<S>(this.#at, (found) => (found ? undefined : { state: this.#first(own), events: [this.#event({ type: 'created' })] }), options);
    return state!;
  }

  /** Changes the state that was read; `undefined` when it is no longer the one that there is. */
  async change(from: S, to: Partial<S>, events: readonly BookEvent[] = []): Promise<S | undefined> {
    let changed: S | undefined;
    await changeHead<S>(this.#at, (present) => {
      changed = undefined;
      if (present?.revision !== from.revision) return undefined;
      changed = { ...present, ...to, revision: from.revision + 1 };
      return { state: changed, events: events.map((event) => this.#event(event)) };
    });
    return changed;
  }

  /** Takes runs out that are not open any more, whatever else has changed. */
  async close(runs: readonly string[], events: readonly BookEvent[] = []): Promise<void> {
    await changeHead<S>(this.#at, (present) => {
      const open = present?.open.filter(({ run }) => !runs.includes(run)) ?? [];
      if (present === undefined || open.length === present.open.length) return undefined;
      return { state: { ...present, open, revision: present.revision + 1 }, events: events.map((event) => this.#event(event)) };
    });
  }

  /** Pauses or resumes; what is so already stays as it is. */
  async setPaused(paused: boolean, { by, reason, signal }: PauseOptions): Promise<void> {
    await this.open({ signal });
    await changeHead<S>(
      this.#at,
      (present) => (present === undefined || present.paused === paused ? undefined : { state: { ...present, paused, revision: present.revision + 1 }, events: [this.#event({ type: paused ? 'paused' : 'resumed', by, reason })] }),
      { signal },
    );
  }

  /** What became of it, oldest first. */
  history(options: OperationOptions = {}): Promise<AuditEvent[]> {
    return readHistory(this.#at, options);
  }

  #first(own: Omit<S, keyof BookState>): S {
    const begun: BookState = { revision: 1, since: this.place.clock.now(), paused: false, open: [] };
    return { ...own, ...begun } as S;
  }

  #event({ type, by, reason, data = {} }: BookEvent): { type: string; by?: string | undefined; reason?: string | undefined; subject: { kind: 'pipeline'; id: string }; data: object } {
    const { kind, name, pipeline } = this.place;
    return { type, by, reason, subject: { kind: 'pipeline', id: pipeline }, data: { ...data, [kind]: name } };
  }
}
