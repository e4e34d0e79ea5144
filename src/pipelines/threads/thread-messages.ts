import type { ThrownRecord } from '../../core/threads/thrown-record.ts';
import type { ItemFacts } from '../map-step.ts';
import type { StepAttempt, StepFacts } from '../step.ts';
import type { StepLogLevel } from '../logs/step-log-lines.ts';
import type { SentStream } from './thread-streams.ts';

/** The item that a function is called for. */
export type SentItem = Pick<ItemFacts<unknown, unknown, unknown>, 'item' | 'index'>;

/** What a function is given that can be cloned. */
export type SentContext = Omit<StepFacts<unknown, unknown>, 'signal' | 'run' | 'log' | 'heartbeat'> & Partial<SentItem>;

/** What a thread is told. */
export type ToThread =
  | {
      readonly type: 'run';
      /** Tells this call from those before it in the same thread. */
      readonly call: number;
      readonly module: string;
      readonly name: string;
      readonly context: SentContext;
      /** The streamed outputs that are missing in the inputs. */
      readonly streams: readonly SentStream[];
      readonly run: Omit<StepAttempt, 'signal'>;
    }
  | { readonly type: 'abort'; readonly reason: ThrownRecord };

/** What a call comes to. */
export type ThreadAnswer =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'thrown'; readonly thrown: ThrownRecord }
  | { readonly type: 'uncloneable'; readonly message: string }
  | { readonly type: 'unloadable'; readonly thrown: ThrownRecord }
  | { readonly type: 'no-function'; readonly found: string };

/** A line for the log of the step that a call is for. */
export interface ThreadLine {
  readonly type: 'log';
  readonly call: number;
  readonly level: StepLogLevel;
  readonly message: string;
}

/** A sign of life of the step that a call is for. */
export interface ThreadHeartbeat {
  readonly type: 'heartbeat';
  readonly call: number;
  readonly details: unknown;
}

/** What a function puts out as a stream, before its call comes to anything. */
export interface ThreadStream {
  readonly type: 'stream';
  readonly call: number;
  readonly stream: ReadableStream<Uint8Array | string>;
}

/** What is heard of a thread. */
export type FromThread = ThreadAnswer | ThreadLine | ThreadHeartbeat | ThreadStream;
