/** A function that has `work` done soon, and never twice at once: however often it is called meanwhile, the work is done once more. */
export function latest(work: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let asked = false;
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (asked) {
      asked = false;
      await work().catch(onError);
    }
    running = false;
  };
  return () => {
    asked = true;
    if (!running) void run();
  };
}
