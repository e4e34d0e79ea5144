/** Whether the upper word of a double comes second in memory, as on all machines that browsers and Node run on today. */
export function littleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}
