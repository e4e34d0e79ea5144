import type { CliHost } from './host.ts';

/** What `work` comes to, or what `failure` makes as soon as nothing goes on in the process any more: then `work` would be waited for until Node ends the process without a word. */
export function orStandstill<T>(work: Promise<T>, host: Pick<CliHost, 'onStandstill'>, failure: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const undo = host.onStandstill(() => {
      undo();
      reject(failure());
    });
    void work.then(resolve, reject).finally(undo);
  });
}
