import { FilesystemStorage } from '../../src/filesystem.ts';
import { MemoryStorage, Tracker } from '../../src/index.ts';
import { nodeEnvironment } from '../../src/node.ts';

// One process of the tests beside it: what it does is the first argument, on which store the second, on which run the third.
const [job, root = '', id = ''] = process.argv.slice(2);

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function trackerOn(directory: string): Tracker {
  return new Tracker({ storage: new FilesystemStorage(directory), environment: nodeEnvironment({ maxDiffBytes: 0 }) });
}

switch (job) {
  case 'log until killed': {
    const run = await trackerOn(root).startRun({ experiment: 'e' });
    for (let step = 0; ; ) {
      for (let i = 0; i < 1_000; i++, step++) run.logMetrics({ loss: step, acc: -step }, { step });
      await run.flush();
      say({ id: run.id, flushed: step });
    }
  }
  case 'log and come to an end by itself': {
    const run = await trackerOn(root).startRun({ experiment: 'e' });
    say({ id: run.id });
    run.logMetrics({ loss: 1 }, { step: 1 });
    run.setTags({ seen: 'yes' });
    break;
  }
  case 'flush and exit at once': {
    const run = await trackerOn(root).startRun({ experiment: 'e' });
    say({ id: run.id });
    run.logMetrics({ loss: 1 }, { step: 1 });
    await run.flush();
    process.exit(0);
  }
  case 'leave a run open with nothing to wait for': {
    const run = await new Tracker({ storage: new MemoryStorage(), flushInterval: '1h' }).startRun({ experiment: 'e' });
    run.logMetrics({ loss: 1 });
    say({ id: run.id });
    break;
  }
  case 'fail in the background for good': {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage, environment: nodeEnvironment({ maxDiffBytes: 0 }), flushInterval: 1 });
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ loss: 1 });
    await storage.close();
    setTimeout(() => say({ id: run.id }), 20);
    break;
  }
  case 'log beside others': {
    const run = await trackerOn(root).startRun({ resume: id });
    for (let step = 0; step < 2_000; step++) {
      run.logMetrics({ [`loss ${process.pid}`]: step, shared: step }, { step });
      if (step % 200 === 0) await run.flush();
      if (step % 500 === 0) await run.logParams({ [`${process.pid}/${step}`]: step });
    }
    await run.end();
    say({ id, pid: process.pid });
    break;
  }
  default:
    throw new Error(`There is no job ${job}.`);
}
