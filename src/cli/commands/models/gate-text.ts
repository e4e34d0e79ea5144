import type { GateReport } from '../../../index.ts';
import type { TextPage } from '../../output/page.ts';
import { printable } from '../../output/printable.ts';
import { statusStyle } from '../../output/status-style.ts';
import { facts } from '../../output/table.ts';

/** What the gates before a stage found, a line each, with the verdict above. */
export function gateText({ model, version, stage, passed, gates }: GateReport, page: TextPage): string {
  const verdict = page.style(passed ? 'good' : 'bad', `${printable(model)}@${version} ${passed ? 'may' : 'may not'} go to ${stage}.`);
  if (gates.length === 0) return `${verdict} No gate stands before ${stage}.`;
  const lines = gates.map((gate) => {
    const word = gate.passed ? 'passed' : 'failed';
    return `${page.style(statusStyle(word)!, word)}  ${facts([[gate.name, gate.reason]], { ...page, style: (_kind, text) => text })}`;
  });
  return [verdict, ...lines].join('\n');
}
