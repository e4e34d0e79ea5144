import { existsSync, readFileSync } from 'node:fs';

const [module = '', exportName = '', argument = 'null'] = process.argv.slice(2);

const loaded = (await import(module)) as Record<string, (argument: unknown) => unknown>;
if (exportName !== '') {
  const subject = loaded[exportName];
  if (subject === undefined) throw new Error(`${module} does not export ${exportName}.`);
  await subject(JSON.parse(argument));
}
process.send?.(peakKilobytes(), () => process.disconnect());

/** Linux counts a process's maxRSS from what its parent had when it was forked; its own peak stands in /proc. */
function peakKilobytes(): number {
  const own = existsSync('/proc/self/status') ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] : undefined;
  return own === undefined ? process.resourceUsage().maxRSS : Number(own);
}
