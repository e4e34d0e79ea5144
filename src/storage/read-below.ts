import type { ReadOptions } from './contract.ts';

/** How the storage beneath a view is read, which knows the keys of the view under `root`. */
export function readOptionsBelow(options: ReadOptions | undefined, root: string): ReadOptions | undefined {
  const holds = options?.holds;
  return holds === undefined ? options : { ...options, holds: (key) => holds(key.slice(root.length)) };
}
