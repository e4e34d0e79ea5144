import { startOpenLineage } from '../../../src/integrations/openlineage/start-openlineage.ts';
import { FilesystemStorage } from '../../../src/filesystem.ts';

// A process that tells of the runs in a store until all is told, or it is killed.
const [, , directory = '', url = ''] = process.argv;
const storage = new FilesystemStorage(directory);
const lineage = await startOpenLineage({ name: 'marquez', storage, pipeline: 'retrain', namespace: 'tests', from: 'beginning', interval: 60, maxQueued: 1, url, retry: { initial: 10, max: 20 } });
await lineage.flush();
await lineage.close();
await storage.close();
