import { shell } from 'modelkeep/node';

const how = process.argv[2];
const work = shell([process.execPath, '-e', 'console.log(process.pid); setInterval(() => 0, 1000)'], {
  onLine(line) {
    process.stdout.write(line);
    if (how === 'exit') setImmediate(() => process.exit(7));
  },
});
const { signal } = new AbortController();
await work({ inputs: {}, params: undefined, signal, states: {}, log: console, heartbeat: () => undefined, lastHeartbeat: undefined, track: () => Promise.reject(new Error('no tracker')), run: { id: 'one', pipeline: 'nightly', step: 'train', attempt: 1, key: 'one/train', signal } });
