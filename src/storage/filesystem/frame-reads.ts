import type { Slot } from './slot-table.ts';

/** Where a frame lies. */
type Place = Pick<Slot, 'position' | 'size'>;

/** Frames that one read brings. */
interface Window {
  readonly from: number;
  to: number;
  /** Which of the frames that were asked for. */
  readonly places: number[];
}

const windowBytes = 1 << 20;
// To read so much for nothing costs less than another read.
const gapBytes = 8 << 10;

/** Reads many frames of one file, in the order of `places`: those that lie close together by one read, of a megabyte or of one frame. A frame that reaches beyond the end of the file is short. */
export async function readFrames(places: readonly Place[], read: (position: number, size: number) => Promise<Buffer>): Promise<Buffer[]> {
  const frames = new Array<Buffer>(places.length);
  await Promise.all(
    windowsOf(places).map(async ({ from, to, places: inside }) => {
      const bytes = await read(from, to - from);
      for (const i of inside) frames[i] = bytes.subarray(places[i]!.position - from, places[i]!.position - from + places[i]!.size);
    }),
  );
  return frames;
}

function windowsOf(places: readonly Place[]): Window[] {
  const ascending = places.map((_, i) => i).sort((a, b) => places[a]!.position - places[b]!.position);
  const windows: Window[] = [];
  let last: Window | undefined;
  for (const i of ascending) {
    const { position, size } = places[i]!;
    const end = position + size;
    if (last !== undefined && position - last.to <= gapBytes && end - last.from <= windowBytes) {
      last.to = Math.max(last.to, end);
      last.places.push(i);
    } else {
      last = { from: position, to: end, places: [i] };
      windows.push(last);
    }
  }
  return windows;
}
