/** Where a function is looked at to integrate it, and how much it counts there. */
export interface WeightedPlaces {
  readonly places: Float64Array;
  readonly weights: Float64Array;
}

const nodes = [-0.932_469_514_203_152, -0.661_209_386_466_264_5, -0.238_619_186_083_196_9, 0.238_619_186_083_196_9, 0.661_209_386_466_264_5, 0.932_469_514_203_152] as const;
const shares = [0.171_324_492_379_170_36, 0.360_761_573_048_138_6, 0.467_913_934_572_691, 0.467_913_934_572_691, 0.360_761_573_048_138_6, 0.171_324_492_379_170_36] as const;

/** The places of Gauss and Legendre's rule of six points on each panel between two edges, which ascend: exact for polynomials of the eleventh degree. */
export function gaussPanels(edges: Float64Array): WeightedPlaces {
  const places = new Float64Array((edges.length - 1) * nodes.length);
  const weights = new Float64Array(places.length);
  for (let i = 0; i < places.length; i++) {
    const panel = Math.floor(i / nodes.length);
    const half = (edges[panel + 1]! - edges[panel]!) / 2;
    places[i] = edges[panel]! + half * (1 + nodes[i % nodes.length]!);
    weights[i] = half * shares[i % nodes.length]!;
  }
  return { places, weights };
}
