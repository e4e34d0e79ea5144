import { throwIfAborted } from '../../core/abort.ts';
import { isModelkeepError } from '../../core/errors.ts';

interface Waiting<J, R> {
  readonly job: J;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets writes that come while another is under way share the next transaction, and so its flush, in the order of their coming. `commit` writes all jobs or, when it
 * throws, none. A job whose signal has fired before its turn is left out.
 */
export function groupCommit<J extends { readonly signal: AbortSignal | undefined }, R>(commit: (jobs: readonly J[]) => Promise<R[]>): (job: J) => Promise<R> {
  let waiting: Waiting<J, R>[] = [];
  let running = false;

  const commitGroup = async (group: readonly Waiting<J, R>[]): Promise<void> => {
    try {
      const results = await commit(group.map(({ job }) => job));
      group.forEach(({ resolve }, i) => resolve(results[i]!));
    } catch (error) {
      // One of them may be at fault, such as the one that is too large for the space that is left.
      const retried = group.length > 1 && isModelkeepError(error, 'storage', 'storage-full');
      for (const each of group) await (retried ? commitGroup([each]) : each.reject(error));
    }
  };

  return (job) =>
    new Promise((resolve, reject) => {
      waiting.push({ job, resolve, reject });
      if (running) return;
      running = true;
      void (async () => {
        // Calls that are made in one go belong together.
        await Promise.resolve();
        while (waiting.length > 0) {
          const group = waiting.filter(isWanted);
          waiting = [];
          if (group.length > 0) await commitGroup(group);
        }
        running = false;
      })();
    });
}

function isWanted({ job, reject }: Waiting<{ readonly signal: AbortSignal | undefined }, never>): boolean {
  try {
    throwIfAborted(job.signal, 'The write');
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
