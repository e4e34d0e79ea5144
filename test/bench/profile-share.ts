import { SourceMap } from 'node:module';
import type { CDPSession } from 'playwright-core';

type Profile = Awaited<ReturnType<typeof profileOf>>;
type Frame = Profile['nodes'][number]['callFrame'];

/**
 * Which part of the time that a page computes during `work` is spent in functions of some sources and in what these call, from 0 to 1, by samples of its stack. It does not count what
 * they leave to the collector of garbage. The scripts of the page must have source maps inside.
 */
export async function shareOf(session: CDPSession, isOwn: (source: string) => boolean, work: () => Promise<void>): Promise<number> {
  const profile = await profileOf(session, work);
  const sources = await sourcesOf(profile);
  const own = new Set(profile.nodes.filter(({ callFrame }) => isOwn(sources(callFrame))).map(({ id }) => id));
  // A node stands before those that it calls.
  for (const { id, children = [] } of profile.nodes) if (own.has(id)) for (const child of children) own.add(child);
  const idle = new Set(profile.nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id));
  let [all, inOwn] = [0, 0];
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const elapsed = profile.timeDeltas?.[i] ?? 0;
    if (!idle.has(id)) all += elapsed;
    if (own.has(id)) inOwn += elapsed;
  }
  if (inOwn === 0) throw new Error('No function of these sources was seen at work.');
  return inOwn / all;
}

async function profileOf(session: CDPSession, work: () => Promise<void>) {
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: 200 });
  await session.send('Profiler.start');
  await work();
  return (await session.send('Profiler.stop')).profile;
}

/** The source in which a function stands; empty where that is not known. */
async function sourcesOf({ nodes }: Profile): Promise<(frame: Frame) => string> {
  const maps = new Map<string, SourceMap>();
  for (const url of new Set(nodes.map(({ callFrame }) => callFrame.url).filter((each) => each.startsWith('http')))) {
    const inline = /sourceMappingURL=data:application\/json;base64,(\S+)/.exec(await (await fetch(url)).text())?.[1];
    if (inline !== undefined) maps.set(url, new SourceMap(JSON.parse(Buffer.from(inline, 'base64').toString()) as ConstructorParameters<typeof SourceMap>[0]));
  }
  return ({ url, lineNumber, columnNumber }) => {
    const entry = maps.get(url)?.findEntry(lineNumber, columnNumber);
    return entry !== undefined && 'originalSource' in entry ? entry.originalSource : '';
  };
}
