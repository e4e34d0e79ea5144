/** A process that is ended by one of its own steps. Arguments: store. */
import { FilesystemStorage } from '../../src/filesystem.ts';
import { exitPipeline } from './exit-pipeline.ts';

await exitPipeline(new FilesystemStorage(process.argv[2]!), () => process.exit(7)).run();
