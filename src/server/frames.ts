import { encodeFrame, type Frame } from '../storage/http-frames.ts';
import type { EndFrame } from '../storage/http-protocol.ts';
import * as schemas from './schemas.ts';

/** The last frame of a sequence that is whole. */
export function endFrame(): Uint8Array {
  return encodeFrame({ end: true } satisfies EndFrame);
}

/** Whether a frame is the last one. */
export function isEnd({ header, body }: Frame): boolean {
  return body.length === 0 && schemas.endFrame.safeParse(header).success;
}
