/** Sorts the first `size` numbers of a list in place; none of them may be NaN. For short lists, where a native sort costs more to start than to run. */
export function sortRange(values: Float64Array, size: number): void {
  if (size > 256) values.subarray(0, size).sort();
  else quickSort(values, 0, size - 1);
}

function quickSort(values: Float64Array, first: number, last: number): void {
  let low = first;
  let high = last;
  while (high - low > 12) {
    const pivot = median(values[low]!, values[(low + high) >>> 1]!, values[high]!);
    const middle = partition(values, low, high, pivot);
    // The shorter side goes first, so that the depth stays logarithmic.
    if (middle - low <= high - middle) {
      quickSort(values, low, middle - 1);
      low = middle;
    } else {
      quickSort(values, middle, high);
      high = middle - 1;
    }
  }
  for (let i = low + 1; i <= high; i++) {
    const value = values[i]!;
    let j = i - 1;
    while (j >= low && values[j]! > value) {
      values[j + 1] = values[j]!;
      j--;
    }
    values[j + 1] = value;
  }
}

/**
 * Hoare's partition of the values from `low` to `high` by one of them: none before the place that it gives is larger, none from there on is smaller, and neither part is empty. That one must not be
 * the largest of them all at `high`.
 */
function partition(values: Float64Array, low: number, high: number, pivot: number): number {
  let i = low;
  let j = high;
  while (i <= j) {
    while (values[i]! < pivot) i++;
    while (values[j]! > pivot) j--;
    if (i > j) break;
    const swapped = values[i]!;
    values[i++] = values[j]!;
    values[j--] = swapped;
  }
  return i;
}

function median(a: number, b: number, c: number): number {
  if (a < b) return b < c ? b : Math.max(a, c);
  return a < c ? a : Math.max(b, c);
}
