/** From so many values on it pays to look at a few of them first. */
const worthSampling = 600;

/** The value at `rank` in ascending order, counted from 0; smaller ones lie before it then. There must be no NaN. The selection of Floyd and Rivest (1975), which compares little more than each value once. */
export function selectValue(values: Float64Array, rank: number): number {
  select(values, rank, 0, values.length - 1);
  return values[rank]!;
}

function select(values: Float64Array, rank: number, first: number, last: number): void {
  let [low, high] = [first, last];
  while (low < high) {
    if (high - low > worthSampling) sampleAround(values, rank, low, high);
    const pivot = values[rank]!;
    let [i, j] = [low, high];
    swap(values, low, rank);
    const highIsLarger = values[high]! > pivot;
    if (highIsLarger) swap(values, low, high);
    // The first swap has the pivot at one end and what is on the right side of it at the other, so that neither search leaves the range.
    while (i < j) {
      swap(values, i++, j--);
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
    }
    if (highIsLarger) swap(values, low, j);
    else swap(values, ++j, high);
    if (j <= rank) low = j + 1;
    if (rank <= j) high = j - 1;
  }
}

/** Puts a value at the rank that, by a few around it, has the rank sought within the smaller of the parts into which it divides the range. */
function sampleAround(values: Float64Array, rank: number, low: number, high: number): void {
  const size = high - low + 1;
  const place = rank - low + 1;
  const logarithm = Math.log(size);
  const sampled = 0.5 * Math.exp((2 * logarithm) / 3);
  const aside = 0.5 * Math.sqrt((logarithm * sampled * (size - sampled)) / size) * Math.sign(place - size / 2);
  select(values, rank, Math.max(low, Math.floor(rank - (place * sampled) / size + aside)), Math.min(high, Math.floor(rank + ((size - place) * sampled) / size + aside)));
}

function swap(values: Float64Array, i: number, j: number): void {
  const value = values[i]!;
  values[i] = values[j]!;
  values[j] = value;
}
