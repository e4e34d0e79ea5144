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
    // The shorter side goes first, so that the depth stays logarithmic.
    if (j - low < high - i) {
      quickSort(values, low, j);
      low = i;
    } else {
      quickSort(values, i, high);
      high = j;
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

function median(a: number, b: number, c: number): number {
  if (a < b) return b < c ? b : Math.max(a, c);
  return a < c ? a : Math.max(b, c);
}
