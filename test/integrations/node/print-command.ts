import { nodeEnvironment } from '../../../src/node.ts';

const { code } = await nodeEnvironment().describe();
console.log(JSON.stringify({ entry: code?.entry, command: code?.command }));
