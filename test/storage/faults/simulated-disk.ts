import type { DirectoryEntry, FileStat, FileSystem, NamedStat, OpenFile, OpenMode } from '../../../src/storage/filesystem/file-system.ts';
import type { Random } from '../../../src/core/random.ts';

/** A call that reached the disk: which one, on which path, and the how-manieth of its process. */
export interface DiskCall {
  readonly name: keyof FileSystem | 'read' | 'write' | 'sync' | 'fstat' | 'close';
  readonly path: string;
  readonly count: number;
}

/**
 * What goes wrong at a call: it fails with a system error and does nothing; a write stores only its first bytes; or the process dies, before the call had its effect
 * or after it. A failed `sync` leaves what it was to keep unsynced, and no later one keeps it, as on Linux. (In the files of records, which all processes write to, a sync of
 * another process still does here: no program can stand that it tells nothing of a failure elsewhere.)
 */
export type Fault = { readonly code: string } | { readonly short: number } | { readonly death: 'before' | 'after' };

/** Decides about each call; `undefined` lets it be. */
export type FaultPlan = (call: DiskCall) => Fault | undefined;

/** The process that made the call is dead: nothing it does has an effect any more. */
export class ProcessDead extends Error {
  override name = 'ProcessDead';
}

/** A process on the machine: its door to the disk, and its end. */
export interface SimulatedProcess {
  readonly fileSystem: FileSystem;
  /** Whether it was killed, by a fault or from outside. */
  readonly dead: boolean;
  /** Ends it between two calls, as SIGKILL does; what it wrote stays in the page cache. */
  kill(): void;
}

/** Bytes that were written and not synced yet, and the processes whose sync of them failed. */
interface UnsyncedWrite {
  readonly start: number;
  readonly end: number;
  readonly doomedFor: Set<ProcessState>;
}

interface ProcessState {
  dead: boolean;
  count: number;
}

interface FileNode {
  readonly kind: 'file';
  bytes: Uint8Array;
  size: number;
  unsynced: UnsyncedWrite[];
  modifiedMs: number;
  links: number;
}

interface DirectoryNode {
  readonly kind: 'directory';
  /** As every process sees them. */
  names: Map<string, Node>;
  /** As they would be after a loss of power, without any of the unsynced changes. */
  durable: Map<string, Node>;
  unsynced: NameChange[];
  modifiedMs: number;
}

/** Names that change in one step: to a node, or to nothing. */
type NameChange = ReadonlyMap<string, Node | undefined>;

type Node = FileNode | DirectoryNode;

/** Makes a call: tells whether it fails, and lets it have its effect. */
type Enter = <T>(name: DiskCall['name'], path: string, effect: (fault: Fault | undefined) => T | Promise<T>) => Promise<T>;

/**
 * A disk in memory that knows what was synced and what was not, file contents and names apart. {@link SimulatedDisk.losePower} gives the disk that is found when
 * power comes back: of what was not synced, each write is kept, dropped or torn, in any order, and each change of a name has happened or not.
 *
 * Calls take effect some microtasks after they were made, as the threads of a real process would, so those made at once interleave.
 */
export class SimulatedDisk {
  readonly #random: Random;
  readonly #root: DirectoryNode;
  readonly #numbers = new Map<Node, number>();
  /** Files that only one process at a time writes to. */
  readonly #ofOneWriter = new WeakSet<Node>();
  #now = 1_700_000_000_000;
  #on = true;

  constructor(random: Random, root: DirectoryNode = emptyDirectory(0)) {
    this.#random = random;
    this.#root = root;
  }

  /** A process that works on this disk. */
  startProcess(plan: FaultPlan = () => undefined): SimulatedProcess {
    const state: ProcessState = { dead: false, count: 0 };
    const enter: Enter = async (name, path, effect) => {
      const assertAlive = (): void => {
        if (state.dead || !this.#on) throw new ProcessDead(`${name} ${path}: the process is dead.`);
      };
      assertAlive();
      const fault = plan({ name, path, count: ++state.count });
      for (let ticks = Math.floor(this.#random() * 4); ticks > 0; ticks--) await Promise.resolve();
      assertAlive();
      if (fault && 'code' in fault && name !== 'sync') throw systemError(fault.code, name, path);
      if (!fault || !('death' in fault)) return effect(fault);
      if (fault.death === 'after') await effect(undefined);
      state.dead = true;
      throw new ProcessDead(`${name} ${path}: the process died.`);
    };
    return {
      fileSystem: this.#fileSystemFor(state, enter),
      get dead() {
        return state.dead;
      },
      kill() {
        state.dead = true;
      },
    };
  }

  /** Ends every process and gives the disk as it is found afterwards. */
  losePower(): SimulatedDisk {
    this.#on = false;
    // Between the two extremes lies the disorder; the extremes are likely enough to be worth a share of their own.
    const kept = [0, 1, 0.5, this.#random()][Math.floor(this.#random() * 4)]!;
    return new SimulatedDisk(this.#random, surviving(this.#root, kept, this.#random, new Map()) as DirectoryNode);
  }

  #fileSystemFor(process: ProcessState, enter: Enter): FileSystem {
    return {
      open: (path, mode) => enter('open', path, () => this.#open(path, mode, process, enter)),
      stat: (path) => enter('stat', path, () => this.#statOf(this.#find(path, 'stat'))),
      readDirectory: (path) => enter('readDirectory', path, () => this.#list(path)),
      makeDirectory: (path) => enter('makeDirectory', path, () => this.#add(path, emptyDirectory(this.#tick()), 'mkdir')),
      syncDirectory: (path) => enter('syncDirectory', path, () => this.#syncDirectory(path)),
      rename: (from, to) => enter('rename', to, () => this.#rename(from, to)),
      link: (existing, path) =>
        enter('link', path, () => {
          const node = this.#find(existing, 'link');
          if (node.kind !== 'file') throw systemError('EPERM', 'link', existing);
          this.#add(path, node, 'link');
          if (hasOneWriter(path)) this.#ofOneWriter.add(node);
          node.links++;
        }),
      unlink: (path) => enter('unlink', path, () => this.#unlink(path)),
      removeDirectory: (path) =>
        enter('removeDirectory', path, () => {
          const node = this.#find(path, 'rmdir');
          if (node.kind !== 'directory') throw systemError('ENOTDIR', 'rmdir', path);
          if (node.names.size > 0) throw systemError('ENOTEMPTY', 'rmdir', path);
          const { parent, name } = this.#place(path, 'rmdir');
          change(parent, new Map([[name, undefined]]));
        }),
      setModified: (path, modifiedMs) =>
        enter('setModified', path, () => {
          this.#find(path, 'utime').modifiedMs = modifiedMs;
        }),
      fileSystemType: (path) => enter('fileSystemType', path, () => (this.#find(path, 'statfs') ? 0xef53 : undefined)),
    };
  }

  #open(path: string, mode: OpenMode, process: ProcessState, enter: Enter): OpenFile {
    let file: FileNode;
    if (mode === 'create') {
      file = { kind: 'file', bytes: new Uint8Array(0), size: 0, unsynced: [], modifiedMs: this.#tick(), links: 1 };
      this.#add(path, file, 'open');
    } else {
      const node = this.#find(path, 'open');
      if (node.kind !== 'file') throw systemError('EISDIR', 'open', path);
      file = node;
    }
    let open = true;
    const use = <T>(name: DiskCall['name'], effect: (fault: Fault | undefined) => T | Promise<T>): Promise<T> =>
      enter(name, path, (fault) => {
        if (!open) throw systemError('EBADF', name, path);
        return effect(fault);
      });
    return {
      stat: () => use('fstat', () => statOf(file)),
      read: (target, position) => use('read', () => readAt(file, target, position)),
      write: (bytes) =>
        use('write', (fault) => {
          if (mode === 'read') throw systemError('EBADF', 'write', path);
          const written = fault && 'short' in fault ? bytes.subarray(0, fault.short) : bytes;
          appendTo(file, written);
          file.modifiedMs = this.#tick();
          return written.length;
        }),
      sync: () => use('sync', (fault) => this.#sync(file, path, process, fault)),
      close: () =>
        use('close', () => {
          open = false;
        }),
    };
  }

  async #sync(file: FileNode, path: string, process: ProcessState, fault: Fault | undefined): Promise<void> {
    const asked = file.unsynced.slice();
    await Promise.resolve();
    if (!this.#on) throw new ProcessDead(`sync ${path}: the power failed.`);
    if (fault && 'code' in fault) {
      for (const write of asked) write.doomedFor.add(this.#ofOneWriter.has(file) ? everyProcess : process);
      throw systemError(fault.code, 'fdatasync', path);
    }
    file.unsynced = file.unsynced.filter((write) => write.doomedFor.has(process) || write.doomedFor.has(everyProcess) || !asked.includes(write));
  }

  async #syncDirectory(path: string): Promise<void> {
    const node = this.#find(path, 'fsync');
    if (node.kind !== 'directory') throw systemError('ENOTDIR', 'fsync', path);
    const asked = node.unsynced.slice();
    await Promise.resolve();
    if (!this.#on) throw new ProcessDead(`syncDirectory ${path}: the power failed.`);
    for (const names of asked) {
      if (!node.unsynced.includes(names)) continue;
      apply(node.durable, names);
      node.unsynced.splice(node.unsynced.indexOf(names), 1);
    }
  }

  #list(path: string): DirectoryEntry[] {
    const node = this.#find(path, 'scandir');
    if (node.kind !== 'directory') throw systemError('ENOTDIR', 'scandir', path);
    const entries = [...node.names].map(([name, { kind }]) => ({ name, kind }));
    for (let i = entries.length - 1; i > 0; i--) {
      const other = Math.floor(this.#random() * (i + 1));
      [entries[i], entries[other]] = [entries[other]!, entries[i]!];
    }
    return entries;
  }

  #add(path: string, node: Node, call: string): void {
    const { parent, name } = this.#place(path, call);
    if (parent.names.has(name)) throw systemError('EEXIST', call, path);
    change(parent, new Map([[name, node]]));
    parent.modifiedMs = this.#tick();
  }

  #rename(from: string, to: string): void {
    const node = this.#find(from, 'rename');
    const source = this.#place(from, 'rename');
    const target = this.#place(to, 'rename');
    const replaced = target.parent.names.get(target.name);
    if (replaced === node) return;
    if (hasOneWriter(to)) this.#ofOneWriter.add(node);
    if (replaced?.kind === 'directory' && (node.kind !== 'directory' || replaced.names.size > 0)) throw systemError(node.kind === 'file' ? 'EISDIR' : 'ENOTEMPTY', 'rename', to);
    if (replaced?.kind === 'file') replaced.links--;
    if (source.parent === target.parent) {
      change(source.parent, new Map([[source.name, undefined], [target.name, node]]));
      return;
    }
    change(target.parent, new Map([[target.name, node]]));
    change(source.parent, new Map([[source.name, undefined]]));
  }

  #unlink(path: string): void {
    const node = this.#find(path, 'unlink');
    if (node.kind !== 'file') throw systemError('EPERM', 'unlink', path);
    const { parent, name } = this.#place(path, 'unlink');
    change(parent, new Map([[name, undefined]]));
    node.links--;
  }

  #place(path: string, call: string): { parent: DirectoryNode; name: string } {
    const segments = segmentsOf(path);
    const name = segments.pop();
    if (name === undefined) throw systemError('EEXIST', call, path);
    const parent = this.#find(`/${segments.join('/')}`, call);
    if (parent.kind !== 'directory') throw systemError('ENOTDIR', call, path);
    return { parent, name };
  }

  #find(path: string, call: string): Node {
    let node: Node = this.#root;
    for (const segment of segmentsOf(path)) {
      if (node.kind !== 'directory') throw systemError('ENOTDIR', call, path);
      const next = node.names.get(segment);
      if (next === undefined) throw systemError('ENOENT', call, path);
      node = next;
    }
    return node;
  }

  #statOf(node: Node): NamedStat {
    let number = this.#numbers.get(node);
    if (number === undefined) this.#numbers.set(node, (number = this.#numbers.size + 1));
    return { ...statOf(node), identity: `${number}-${node.modifiedMs}` };
  }

  #tick(): number {
    return ++this.#now;
  }
}

const everyProcess: ProcessState = { dead: false, count: 0 };

function hasOneWriter(path: string): boolean {
  return path.includes('/logs/');
}

function segmentsOf(path: string): string[] {
  if (!path.startsWith('/')) throw new Error(`The simulated disk takes absolute paths only, not ${path}.`);
  return path.split('/').filter((segment) => segment !== '');
}

function emptyDirectory(modifiedMs: number): DirectoryNode {
  return { kind: 'directory', names: new Map(), durable: new Map(), unsynced: [], modifiedMs };
}

function systemError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected or simulated, ${call} '${path}'`), { code, syscall: call, path });
}

function statOf(node: Node): FileStat {
  if (node.kind === 'directory') return { kind: 'directory', size: 0, modifiedMs: node.modifiedMs, links: 1 };
  return { kind: 'file', size: node.size, modifiedMs: node.modifiedMs, links: node.links };
}

function readAt(file: FileNode, target: Uint8Array, position: number): number {
  const part = file.bytes.subarray(Math.min(position, file.size), Math.min(position + target.length, file.size));
  target.set(part);
  return part.length;
}

function appendTo(file: FileNode, bytes: Uint8Array): void {
  const end = file.size + bytes.length;
  if (end > file.bytes.length) {
    const larger = new Uint8Array(Math.max(end, file.bytes.length * 2));
    larger.set(file.bytes.subarray(0, file.size));
    file.bytes = larger;
  }
  file.bytes.set(bytes, file.size);
  if (bytes.length > 0) file.unsynced.push({ start: file.size, end, doomedFor: new Set() });
  file.size = end;
}

function change(directory: DirectoryNode, names: NameChange): void {
  apply(directory.names, names);
  directory.unsynced.push(names);
}

function apply(names: Map<string, Node>, changes: NameChange): void {
  for (const [name, node] of changes) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}

/** The node as it is found after a loss of power. Several names of one file stay names of one file. */
function surviving(node: Node, kept: number, random: Random, done: Map<Node, Node>): Node {
  const earlier = done.get(node);
  if (earlier) return earlier;
  if (node.kind === 'file') {
    const bytes = survivingBytes(node, kept, random);
    const file: FileNode = { kind: 'file', bytes, size: bytes.length, unsynced: [], modifiedMs: node.modifiedMs, links: 0 };
    done.set(node, file);
    return file;
  }
  const names = new Map(node.durable);
  for (const changes of node.unsynced) if (random() < kept) apply(names, changes);
  const directory = emptyDirectory(node.modifiedMs);
  done.set(node, directory);
  for (const [name, child] of names) {
    const found = surviving(child, kept, random, done);
    if (found.kind === 'file') found.links++;
    directory.names.set(name, found);
    directory.durable.set(name, found);
  }
  return directory;
}

function survivingBytes(file: FileNode, kept: number, random: Random): Uint8Array {
  const bytes = file.bytes.slice(0, file.size);
  let size = 0;
  let at = 0;
  for (const { start, end } of file.unsynced) {
    if (start > at) size = start;
    at = end;
    const reached = start + survivingPart(bytes.subarray(start, end), kept, random);
    size = Math.max(size, reached);
  }
  if (at < file.size) size = file.size;
  // The length may have reached the disk before the bytes did: they read as zeros.
  if (size < file.size && random() < 0.2) size += Math.floor(random() * (file.size - size + 1));
  return bytes.slice(0, size);
}

/** Zeroes what did not reach the disk, in place, and tells behind which byte nothing did. */
function survivingPart(bytes: Uint8Array, kept: number, random: Random): number {
  if (random() < kept) return bytes.length;
  const fate = random();
  if (fate < 0.4) {
    bytes.fill(0);
    return 0;
  }
  if (fate < 0.8) {
    const prefix = Math.floor(random() * (bytes.length + 1));
    bytes.fill(0, prefix);
    return prefix;
  }
  // Torn into sectors that reached the disk in any order.
  let reached = 0;
  const sector = [1, 16, 512][Math.floor(random() * 3)]!;
  for (let at = 0; at < bytes.length; at += sector) {
    const end = Math.min(at + sector, bytes.length);
    if (random() < 0.5) reached = end;
    else bytes.fill(0, at, end);
  }
  return reached;
}
