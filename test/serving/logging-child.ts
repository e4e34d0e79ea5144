import { FilesystemStorage } from 'modelkeep/filesystem';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { PredictionLog } from '../../src/serving/log/prediction-log.ts';
import { outcome } from './outcome.ts';

// Keeps predictions until it is killed, and says after each write how many are stored; more are under way then.
const log = new PredictionLog({
  storage: new FilesystemStorage(process.argv[2]!),
  model: 'flight-delay',
  clock: systemClock,
  random: systemRandom,
  onError: (error) => {
    throw error;
  },
  options: { keep: '36500d' },
});
// One window of the log has room for all, so that a write is one record.
const start = 1_790_000_000_000;
const name = process.argv[3]!;
for (let kept = 0; ; kept += 25) {
  for (let i = 0; i < 25; i++) log.record(outcome({ id: `${name}-${kept + i}`, at: start + kept + i, input: kept + i }));
  await log.flush();
  process.stdout.write(`${kept + 25}\n`);
}
