import { Pipeline, type StepHandle, type StorageAdapter } from 'modelkeep';

const mebibyte = 1024 * 1024;

/** A pipeline of which one step puts out a stream of mebibytes, and the next reads it in pieces; `written` is called behind each that is put out, `seen` behind each piece that is read. */
export function streams(storage: StorageAdapter, mebibytes: number, written: (count: number) => void | Promise<void>, seen: () => void = () => undefined): { readonly pipeline: Pipeline; readonly read: StepHandle<number> } {
  const pipeline = new Pipeline({ name: 'streams', storage });
  const shards = pipeline.step('shards', {}, async function* () {
    for (let i = 0; i < mebibytes; i++) {
      yield new Uint8Array(mebibyte).fill(i % 251);
      await written(i + 1);
    }
  });
  const read = pipeline.step('read', { needs: { shards } }, async ({ inputs }) => {
    let sum = 0;
    for await (const piece of inputs.shards) {
      for (let i = 0; i < piece.length; i += 4096) sum += piece[i]!;
      seen();
    }
    return sum;
  });
  return { pipeline, read };
}
