/** What a thread is handed over: memory, or an end of a channel. */
export type Moved = ArrayBuffer | { close(): void };

/** How a thread ended that was to answer. */
export interface ThreadEnd {
  readonly type: 'ended';
  /** What became of its work, as the end of a sentence; absent when somebody ended the thread. */
  readonly why?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly cause?: unknown;
}

/** A thread of the host that runs a program of this package: it is told `To` and says `From`. */
export interface Thread<To, From> {
  tell(message: To, moved: readonly Moved[]): void;
  /** Has what it says and how it ends told to one listener, in the place of the one before. Its end is told also when it was terminated. */
  listen(listener: (said: From | ThreadEnd) => void): void;
  /** Whether it keeps its process alive. */
  keep(alive: boolean): void;
  terminate(): Promise<void>;
}

/** The program of a thread, in the words of a host: what that defines are `post`, `listen` and the promise `ready`, for which calls wait. */
export type ThreadProgram = (host: string) => string;

// A text, since a thread is begun with a file, and whoever bundles this package leaves none beside it.
const prelude = `
const brand = Symbol.for('modelkeep.error');
const text = (value) => { try { return String(value); } catch { return 'what cannot be shown'; } };
const cloned = (value) => { try { return structuredClone(value); } catch { return {}; } };
const record = (thrown) => {
  if (!(thrown instanceof Error) && thrown?.[brand] !== true) return { error: false, message: text(thrown) };
  const { name, message, stack, code } = thrown;
  return { error: true, name: text(name), message: text(message), stack: text(stack), code: typeof code === 'string' ? code : undefined, details: thrown[brand] === true ? cloned(thrown.details) : undefined };
};
const revived = ({ error, name, message, code, details }) => {
  if (!error) return message;
  const made = Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
  return details === undefined ? made : Object.defineProperty(Object.assign(made, { details }), brand, { value: true });
};
const load = async ({ module, name }) => {
  let found;
  try {
    found = (await import(module))[name];
  } catch (thrown) {
    return { answer: { type: 'unloadable', thrown: record(thrown) } };
  }
  return typeof found === 'function' ? { work: found } : { answer: { type: 'no-function', found: found === undefined ? 'no such export' : found === null ? 'null' : 'a ' + typeof found } };
};
`;

/** A program of a thread, which has `record` and `revived` for what is thrown, and `load` for functions that modules export. */
export function threadProgram(source: string): ThreadProgram {
  // Without a name of its own, it would be named by its whole text wherever an error comes from it.
  return (host) => `${host}${prelude}${source}\n//# sourceURL=modelkeep-thread.js\n`;
}
