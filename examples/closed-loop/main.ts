import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assessMaturity, isModelkeepError } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { Story } from '../flight-delay/story.ts';
import { chronicle, readHistory } from './history.ts';
import { ClosedLoop } from './loop.ts';
import { wholePlan } from './plan.ts';
import { reportOf } from './report.ts';

const ownDirectory = '.closed-loop';
const directory = process.argv[2] ?? ownDirectory;
const story = new Story();
const stop = new AbortController();
process.on('SIGINT', () => (stop.signal.aborted ? process.exit(130) : stop.abort(new Error('interrupted'))));

try {
  await tell(stop.signal);
} catch (error) {
  if (stop.signal.aborted) {
    story.say('\nStopped.');
    process.exitCode = 130;
  } else if (isModelkeepError(error)) {
    story.say(`\n${error.message}`);
    process.exitCode = 1;
  } else throw error;
}

async function tell(signal: AbortSignal): Promise<void> {
  const place = join(directory, 'store');
  // The story begins in January 2001, every time: what an earlier telling has left is taken away, but only where nobody else keeps anything.
  if (directory === ownDirectory) rmSync(place, { recursive: true, force: true });
  else if (existsSync(place) && readdirSync(place).length > 0) throw new Error(`${place} is not empty; name a directory without a store, or none.`);
  await using storage = new FilesystemStorage(place);

  story.chapter('A half-year in a closed loop, on three million real flights');
  const loop = new ClosedLoop({ storage, plan: wholePlan, signal, tell: (at, what) => story.progress(`${dateOf(at)}  ${what}`) });
  await loop.live();

  story.chapter('What happened, as the store tells it');
  const history = await readHistory(storage, loop.retraining);
  story.table(chronicle(history).map(({ at, who, what }) => [dateOf(at), who, what]));
  story.say(`\n${history.verdicts.length} windows were judged, ${history.verdicts.filter(({ status }) => status === 'drifted').length} of them had drifted.`);
  const { decision, units } = history.analysis!;
  story.say(`The test saw ${units.toLocaleString('en')} flights: ${decision.action} ${decision.variant}. ${decision.reasons.join('; ')}.`);
  const { level, models } = await assessMaturity({ storage, clock: loop.clock, signal });
  const next = models[0]?.nextFix?.fix;
  story.say(`\nThe maturity by these records is level ${level}${next === undefined ? '.' : `; next: ${next}`}`);
  const report = join(directory, 'report.html');
  writeFileSync(report, reportOf(history));
  story.say(`\nAll of it, with charts and evidence: ${report}`);
}

function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
