import { fileURLToPath } from 'node:url';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { build, createServer, preview } from 'vite';
import { siteConfig } from './site.ts';

// #region main
const storage = new FilesystemStorage('.browser-tfjs/store');
const config = siteConfig(storage, fileURLToPath(new URL('../../.browser-tfjs/site', import.meta.url)));

if (process.argv.includes('--dev')) {
  // Shows each change of the sources at once, and needs the network.
  const server = await createServer({ ...config, server: { port: 5180 } });
  await server.listen();
  server.printUrls();
} else {
  await build({ ...config, logLevel: 'warn' });
  const server = await preview({ ...config, preview: { port: 5180 } });
  server.printUrls();
}
// #endregion main
