import type { AssessMaturityOptions, Duration, MaturityCheck, MaturityFix, MaturityReport } from '../../index.ts';
import { defineCommand, type Command } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import type { TextPage } from '../output/page.ts';
import { printable } from '../output/printable.ts';
import { table } from '../output/table.ts';
import { readGivenJson } from '../read-given-file.ts';
import { lengthOfTime, wholeNumber } from '../value-rules.ts';

export const maturity: Command = defineCommand({
  path: ['maturity'],
  summary: 'Say how mature the models in production are kept, by what is recorded; exit 3 when a level is not reached.',
  details: ['Levels go from 0 (by hand) to 3 (delivered automatically, in a closed loop). A check that the records do not answer is unknown, and says what to record. The report is stored, for the trend.'],
  options: {
    'min-level': { type: 'number', value: 'LEVEL', rule: wholeNumber(0, 3), description: 'The level that there must be, 0 to 3.' },
    model: { type: 'texts', short: 'M', value: 'NAME', description: 'A model in production.', otherwise: 'all' },
    all: { type: 'flag', description: 'Show the checks that passed as well.' },
    window: { type: 'text', value: 'TIME', rule: lengthOfTime, description: 'How far back runs, promotions and alerts count.', otherwise: '90d' },
    policy: { type: 'text', value: 'FILE', path: 'options.policy', description: 'Thresholds of your own, as JSON.' },
    attestations: { type: 'text', value: 'FILE', path: 'options.attestations', description: 'What people declare, as a JSON list of { statement, author, expiresAt, model }.' },
    verify: { type: 'flag', description: 'Read all files of the versions in production, and hold them to their digests.' },
    'dry-run': { type: 'flag', description: 'Do not store the report.' },
  },
  positionals: [],
  examples: [
    { command: 'maturity', does: 'The level of each model, what keeps it from the next, and what to do first.' },
    { command: 'maturity --min-level 2 --json', does: 'In CI: the job fails with code 3 below level 2.' },
  ],
  async run({ options, storage, out, progress, signal, host }) {
    const least = options['min-level'];
    const read = async (option: 'policy' | 'attestations'): Promise<unknown> => (options[option] === undefined ? undefined : readGivenJson(options[option], `--${option}`, host));
    const { assessMaturity } = await import('../../index.ts');
    const given = {
      storage: await storage(),
      models: options.model.length === 0 ? undefined : options.model,
      policy: (await read('policy')) as AssessMaturityOptions['policy'],
      attestations: (await read('attestations')) as AssessMaturityOptions['attestations'],
      window: options.window as Duration | undefined,
      verify: options.verify,
      store: !options['dry-run'],
      clock: host.clock,
      signal,
      onProgress: progress,
    };
    const report = await assessMaturity(given);
    await out.result(report, (page) => maturityText(report, options.all, page));
    // What cannot be read may be a model in production, of any level.
    const level = report.project.complete ? report.level : 0;
    return least !== undefined && level < least ? exitCodes.gate : exitCodes.done;
  },
});

function maturityText({ level, project, models, attestations, damaged }: MaturityReport, all: boolean, page: TextPage): string {
  const parts = [`${page.style('head', `Level ${level}`)} (Google ${project.google}, Microsoft ${project.microsoft}). ${printable(project.reason)}`];
  for (const { model, version, level: own, checks, nextFix } of models) {
    const shown = checks.filter(({ status }) => all || status === 'fail' || status === 'unknown');
    parts.push(`${page.style('head', `${printable(model)}@${version}: level ${own}`)}, ${checks.filter(({ status }) => status === 'pass').length} of ${checks.length} checks pass`);
    if (shown.length > 0) parts.push(table(shown, columns, page));
    if (nextFix) parts.push(fixText(nextFix));
  }
  if (attestations.length > 0) parts.push(table(attestations, [{ head: 'DECLARED', text: ({ statement }) => statement }, { head: 'BY', text: ({ author }) => author }, { head: '', text: ({ status }) => status }], page));
  for (const { what, message } of damaged) parts.push(printable(`Cannot be read: ${what}: ${message}`));
  return parts.join('\n\n');
}

const columns: Parameters<typeof table<MaturityCheck>>[1] = [
  { head: 'CHECK', text: ({ id }) => id, whole: true },
  { head: '', text: ({ status }) => status, whole: true, style: ({ status }) => (status === 'pass' ? 'good' : status === 'fail' ? 'bad' : status === 'unknown' ? 'doubtful' : 'faint') },
  { head: 'LEVEL', text: ({ level }) => String(level), align: 'right' },
  { head: 'FOUND', text: ({ reason }) => reason },
];

function fixText({ check, level, fix }: MaturityFix): string {
  return printable(`Next, for level ${level} (${check}): ${fix}`);
}
