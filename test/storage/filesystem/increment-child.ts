import { FilesystemStorage } from '../../../src/filesystem.ts';
import { update } from '../../../src/storage/update.ts';

const [root, times, compactAt] = process.argv.slice(2) as [string, string, string];
const storage = new FilesystemStorage(root, { compactAt: Number(compactAt) });
for (let i = 0; i < Number(times); i++) await update<number>(storage, 'shared/counter', (value) => (value ?? 0) + 1, { attempts: 10_000 });
await storage.close();
