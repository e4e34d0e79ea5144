export { FilesystemStorage } from './storage/filesystem/filesystem-storage.ts';
export type { FilesystemStorageOptions } from './storage/filesystem/filesystem-storage.ts';
export type { DirectoryEntry, FileStat, FileSystem, NamedStat, OpenFile, OpenMode } from './storage/filesystem/file-system.ts';
