import { deliveryCheck } from './delivery-check.ts';
import { gateChecks, rollbackCheck } from './gate-checks.ts';
import type { CheckDefinition } from './check.ts';
import { freshnessCheck, lineageChecks, validationCheck } from './lineage-checks.ts';
import { alertCheck, watchChecks } from './monitor-checks.ts';
import { definitionCheck, stepChecks, triggerCheck } from './pipeline-checks.ts';
import { judgePipelined, trackingChecks } from './tracking-checks.ts';
import { documentsCheck, versionChecks } from './version-checks.ts';

const pipelinedCheck: CheckDefinition = { id: 'A1', level: 2, title: 'Training runs belong to runs of pipelines', unit: 'share', judge: judgePipelined };

/** All checks, in their order. */
export const allChecks: readonly CheckDefinition[] = [
  ...trackingChecks,
  ...versionChecks,
  pipelinedCheck,
  triggerCheck,
  validationCheck,
  ...gateChecks,
  ...lineageChecks,
  ...stepChecks,
  ...watchChecks,
  deliveryCheck,
  rollbackCheck,
  freshnessCheck,
  definitionCheck,
  documentsCheck,
  alertCheck,
];
