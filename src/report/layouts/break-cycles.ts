/** An edge in the direction of the layers. */
export interface ForwardEdge {
  readonly from: number;
  readonly to: number;
  /** Whether it was turned around for that. */
  readonly backward: boolean;
}

/** Turns around the edges by which a walk in depth comes back to where it is: then there is no cycle. */
export function breakCycles(nodes: number, edges: readonly (readonly [from: number, to: number])[]): ForwardEdge[] {
  const leaving = Array.from({ length: nodes }, (): number[] => []);
  for (const [i, [from]] of edges.entries()) leaving[from]!.push(i);
  const backward = new Uint8Array(edges.length);
  const state = new Uint8Array(nodes);
  for (let start = 0; start < nodes; start++) if (state[start] === unseen) walk(start);
  return edges.map(([from, to], i) => (backward[i] ? { from: to, to: from, backward: true } : { from, to, backward: false }));

  // A stack of its own: graphs are deeper than the stack of calls may be.
  function walk(start: number): void {
    const path = [{ node: start, next: 0 }];
    state[start] = open;
    for (let here = path.at(-1); here !== undefined; here = path.at(-1)) {
      const edge = leaving[here.node]![here.next++];
      if (edge === undefined) {
        state[here.node] = done;
        path.pop();
        continue;
      }
      const to = edges[edge]![1];
      if (state[to] === open) backward[edge] = 1;
      if (state[to] !== unseen) continue;
      state[to] = open;
      path.push({ node: to, next: 0 });
    }
  }
}

const unseen = 0;
const open = 1;
const done = 2;
