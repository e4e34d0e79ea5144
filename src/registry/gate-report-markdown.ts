import type { GateReport } from './gate-report.ts';
import { inCell } from './markdown-cell.ts';

/**
 * What the gates found, as a table in GitHub's Markdown for the comment of a pull request or the summary of a job. The same report gives the same text.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, gateReportMarkdown, gates } from 'modelkeep';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('fraud');
 * await registry.setPolicy('fraud', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 }), gates.integrity()] });
 * await registry.registerVersion('fraud', { files: { 'model.json': '{}' }, metrics: { auc: 0.7 } });
 * const report = await registry.checkGates('fraud@1', 'production');
 * console.log(gateReportMarkdown(report)); // ### fraud@1 may not go to production …
 * const exitCode = report.passed ? 0 : 3; // for the job: a gate failed
 * console.log(exitCode);
 * ```
 */
export function gateReportMarkdown({ model, version, stage, passed, gates }: GateReport): string {
  const title = `### ${inCell(`${model}@${version}`)} ${passed ? 'may' : 'may not'} go to ${stage}`;
  if (gates.length === 0) return `${title}\n\nNo gate stands before ${stage}.\n`;
  const rows = gates.map((gate) => `| ${gate.passed ? '✅ passed' : '❌ failed'} | ${inCell(gate.name)} | ${inCell(gate.reason)} |`);
  return [title, '', '| | gate | what it found |', '|---|---|---|', ...rows, ''].join('\n');
}
