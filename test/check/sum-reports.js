// @ts-check
// Sums vitest's JSON reports into one closing line: node sum-reports.js <folder> [steps that failed…]
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder = '.reports', ...failedSteps] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
}

if (failedSteps.length > 0) console.error(`\nfailed: ${failedSteps.join('; ')}`);
if (skipped > 0) console.error(`\n${skipped} tests were skipped, and here none may be`);
if (passed === 0) console.error('\nno test ran');
// A step that failed without a failing test of its own must show in the sum all the same.
if (failed === 0) failed = failedSteps.length;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || skipped > 0 || passed === 0 ? 1 : 0;
