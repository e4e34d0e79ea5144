import { shown } from '../core/shown.ts';
import type { Approval } from './approval.ts';
import type { ApprovalsGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';

/** Decides a gate on approvals: each person counts once, and where the author must not, the author must be known. */
export function decideApprovalsGate({ count, notBy, by }: ApprovalsGate, author: string | undefined, approvals: readonly Approval[]): GateResult {
  const about = { gate: 'approvals', name: count === 1 ? '1 approval' : `${count} approvals` };
  if (notBy === 'author' && author === undefined) {
    return { ...about, passed: false, reason: "who made the version is not known, so nobody's approval can be told from the author's own; register versions with createdBy", evidence: { count, notBy } };
  }
  const counting = approvals.filter((approval) => !(notBy === 'author' && approval.by === author) && (by === undefined || by.includes(approval.by)));
  const idle = approvals.filter((approval) => !counting.includes(approval)).map((approval) => shown(approval.by));
  const ignored = idle.length > 0 ? `; that of ${idle.join(', ')} does not count` : '';
  const names = counting.map((approval) => shown(approval.by)).join(', ');
  const passed = counting.length >= count;
  return {
    ...about,
    passed,
    reason: passed ? `approved by ${names}` : `${counting.length} of ${count} approvals${counting.length > 0 ? ` (${names})` : ''}${ignored}; approve with registry.approve()`,
    evidence: { count, notBy, by, approvals: counting.map(({ id, by: person, reason, at }) => ({ id, by: person, reason, at })), author },
  };
}
