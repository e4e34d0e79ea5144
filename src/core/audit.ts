import type { RecordRef } from './record-ref.ts';

/** One change that matters, told whole: what, when, by whom, why, and on what evidence. */
export interface AuditEvent<T extends string = string, D = unknown> {
  /** UUIDv7. */
  readonly id: string;
  /** Position in the history of its subject, counted from 1 without gaps. */
  readonly sequence: number;
  /** What kind of change it was. */
  readonly type: T;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who did it. Over HTTP this is whom the server authenticated. */
  readonly by?: string | undefined;
  /** Why. */
  readonly reason?: string | undefined;
  /** What was changed. */
  readonly subject: RecordRef;
  /** Facts of the change, evidence included. */
  readonly data: D;
}

/** An event as a domain hands it over; its id, sequence and time are given when it is written. */
export type NewAuditEvent<T extends string = string, D = unknown> = Omit<AuditEvent<T, D>, 'id' | 'sequence' | 'at'>;
