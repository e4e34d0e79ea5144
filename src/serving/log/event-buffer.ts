/** An event that waits to be written. */
export interface BufferedEvent {
  readonly kind: 'prediction' | 'feedback';
  /** Epoch milliseconds: when it was asked, or when the feedback came. */
  readonly at: number;
  /** The window under which it is kept. */
  readonly window: number;
  /** Its record, in the text of the codec. */
  readonly text: string;
}

/** How much may wait. */
export interface BufferBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

// What an event takes besides its text.
const overhead = 100;

/** Events in the order of their coming, within bounds: when there is no room, the oldest goes. Whoever takes events to write them says so when they are written, for until then they count. */
export class EventBuffer {
  readonly #bounds: BufferBounds;
  #events: BufferedEvent[] = [];
  // Taking from the front of an array moves all the rest: instead, the front moves.
  #head = 0;
  #bytes = 0;
  #taken = 0;
  #takenBytes = 0;
  #dropped = 0;

  constructor(bounds: BufferBounds) {
    this.#bounds = bounds;
  }

  /** Events that are not written yet. */
  get size(): number {
    return this.#events.length - this.#head + this.#taken;
  }

  /** Events that went because there was no room. */
  get dropped(): number {
    return this.#dropped;
  }

  add(event: BufferedEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    while (this.#head < this.#events.length && this.#isOver()) {
      this.#shift();
      this.#dropped++;
    }
  }

  /** Takes events from the front, at most so many characters of text. They count until {@link written}. */
  take(maxText: number): BufferedEvent[] {
    const taken: BufferedEvent[] = [];
    let text = 0;
    while (this.#head < this.#events.length && (taken.length === 0 || text + this.#events[this.#head]!.text.length <= maxText)) {
      const event = this.#shift();
      text += event.text.length;
      taken.push(event);
    }
    this.#taken = taken.length;
    this.#takenBytes = taken.reduce((sum, event) => sum + sizeOf(event), 0);
    return taken;
  }

  /** What was taken is written. */
  written(): void {
    this.#taken = 0;
    this.#takenBytes = 0;
  }

  #isOver(): boolean {
    return this.size > this.#bounds.maxEvents || this.#bytes + this.#takenBytes > this.#bounds.maxBytes;
  }

  #shift(): BufferedEvent {
    const event = this.#events[this.#head]!;
    this.#events[this.#head++] = undefined as unknown as BufferedEvent;
    this.#bytes -= sizeOf(event);
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}

function sizeOf({ text }: BufferedEvent): number {
  return text.length + overhead;
}
