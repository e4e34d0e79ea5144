import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { meetsTarget, type Benchmark, type Result } from './harness.ts';

const usage = `npm run bench -- [words] [--json file] [--strict]
  words     only benchmarks whose "file name" contains all of them
  --json    also write the results to a file
  --strict  exit with 1 when a target is missed`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, strict: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  console.log(usage);
} else {
  await main();
}

interface Line extends Result {
  readonly file: string;
  readonly name: string;
  readonly ok?: boolean | undefined;
}

async function main(): Promise<void> {
  if (!existsSync(new URL('../../dist/index.js', import.meta.url))) {
    throw new Error('Benchmarks measure what ships: run `npm run build` first.');
  }
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: gigabytes(totalmem()), node: process.version };
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memory}, Node ${machine.node}\n`);

  const lines: Line[] = [];
  for (const { file, benchmark } of await selected()) {
    const result = await benchmark.run();
    const line = { file, name: benchmark.name, ...result, ok: meetsTarget(result) };
    lines.push(line);
    console.log(rendered(line));
  }
  if (lines.length === 0) throw new Error(`No benchmark matches "${positionals.join(' ')}".`);
  const over = lines.filter(({ ok }) => ok === false).length;
  console.log(`\n${lines.length} measured, ${over} over target`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, results: lines }, null, 2)}\n`);
  if (values.strict && over > 0) process.exitCode = 1;
}

async function selected(): Promise<{ file: string; benchmark: Benchmark }[]> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const files = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.bench.ts')).sort();
  const all = [];
  for (const file of files) {
    const { benchmarks } = (await import(`${here}${file}`)) as { benchmarks: readonly Benchmark[] };
    const name = file.replace('.bench.ts', '');
    all.push(...benchmarks.map((benchmark) => ({ file: name, benchmark })));
  }
  return all.filter(({ file, benchmark }) => positionals.every((word) => `${file} ${benchmark.name}`.includes(word)));
}

function rendered({ file, name, value, unit, fastest, slowest, baseline, ratio, target, ok }: Line): string {
  const spread = fastest === undefined || slowest === undefined ? '' : ` (${short(fastest)}–${short(slowest)})`;
  const against = ratio === undefined || baseline === undefined ? '' : `, ${short(ratio)}× of ${short(baseline)} ${unit}`;
  const limits = [
    target?.atMost === undefined ? '' : `at most ${short(target.atMost)} ${unit}`,
    target?.atLeast === undefined ? '' : `at least ${short(target.atLeast)} ${unit}`,
    target?.ratioAtMost === undefined ? '' : `at most ${short(target.ratioAtMost)}×`,
  ].filter((limit) => limit !== '');
  const verdict = ok === undefined ? '' : `  [${limits.join(', ')}: ${ok ? 'ok' : 'OVER'}]`;
  return `${file}: ${name}\n    ${short(value)} ${unit}${spread}${against}${verdict}`;
}

function short(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(3)).toString();
}

function gigabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 30)} GiB`;
}
