import type { RemoteAnswer } from './remote-call.ts';

/** A request up to where it goes. */
export interface RemoteBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/** How a protocol asks for predictions. */
export interface RemoteFormat {
  /** Where predictions are asked for. */
  readonly predictUrl: string;
  /** Where the server says whether the version is ready; absent where it has no such place. */
  readonly readyUrl?: string | undefined;
  /** Whether several inputs go in one request. */
  readonly batches: boolean;
  /** The request for inputs; of one where it does not batch. */
  encode(inputs: readonly unknown[]): RemoteBody;
  /** What an answer has for so many inputs. Throws `ModelkeepError` of code `model-failed` for what is no answer. */
  decode(answer: RemoteAnswer, count: number): readonly unknown[];
  /** Why a version is not ready that was asked and answered with success; absent where success says that it is. */
  notReady?(answer: RemoteAnswer): string | undefined;
}
