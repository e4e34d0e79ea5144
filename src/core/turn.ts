/** Calls back when the host has dealt with what is there already: what was read from the network at once is then handled at once. */
export type Turn = (callback: () => void) => void;

/** What hosts have that are not pages. */
interface HostWithImmediate {
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** An end of a channel, as Node and pages both have it; their types differ. */
interface TurnPort {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** The host's next turn: sooner than a timer, which browsers hold back by milliseconds. Globals are looked up at each call, so that fakes installed later work. */
export const hostTurn: Turn = (callback) => {
  const { setImmediate } = globalThis as HostWithImmediate;
  if (setImmediate !== undefined) return void setImmediate(callback);
  const { port1, port2 } = new MessageChannel() as unknown as Record<'port1' | 'port2', TurnPort>;
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(undefined);
};
