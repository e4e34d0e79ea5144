import { MemoryStorage } from 'modelkeep';

const storage = new MemoryStorage();
const models = new Registry({ storage });
await models.createModel('team/sentiment');
for (const layers of [2, 4, 6]) await models.registerVersion('team/sentiment', { files: { 'config.json': JSON.stringify({ layers }) } });
await models.promote('team/sentiment@2', 'production', { by: 'ada', reason: 'first' });

// #region model-cache
import { Registry } from 'modelkeep';

const registry = new Registry({ storage }); // an HttpStorage in a page, or withLocalBlobs() of one
const cache = registry.asCacheStorage();
const inProduction = await cache.match('https://huggingface.co/team/sentiment/resolve/main/config.json');
console.log(await inProduction?.json()); // { layers: 4 }
const third = await cache.match('https://huggingface.co/team/sentiment/resolve/3/config.json');
console.log(await third?.json()); // { layers: 6 }
// #endregion model-cache
