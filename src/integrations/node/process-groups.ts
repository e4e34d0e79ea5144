import type { ChildProcess } from 'node:child_process';

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// One set for the process, as signals are the process's: listeners for each child would soon be too many for it.
const running = new Set<ChildProcess>();

/** Whether children lead groups of their own, so that what they have started ends with them. */
export const groupsExist: boolean = process.platform !== 'win32';

/** Has `child` and all it started end when this process does, by its exit or by a signal. Gives what undoes it. */
export function endWithProcess(child: ChildProcess): () => void {
  if (running.size === 0) {
    process.on('exit', endAll);
    for (const signal of endings) process.on(signal, onSignal);
  }
  running.add(child);
  return () => {
    if (!running.delete(child) || running.size > 0) return;
    process.off('exit', endAll);
    for (const signal of endings) process.off(signal, onSignal);
  };
}

/** Sends a signal to a child and to all that it started. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (groupsExist && child.pid !== undefined) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It has ended in the meantime.
  }
}

function endAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL');
}

/** A group of its own does not get what is typed into the terminal, so it is passed on; without another listener this process ends as it would have without this one. */
function onSignal(signal: NodeJS.Signals): void {
  for (const child of running) signalGroup(child, signal);
  if (process.listenerCount(signal) > 1) return;
  for (const each of endings) process.off(each, onSignal);
  process.kill(process.pid, signal);
}
