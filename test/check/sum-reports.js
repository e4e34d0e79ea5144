// @ts-check
// Sums vitest's JSON reports into one closing line, after what failed and why, since the log of a run that long is seldom kept whole: node sum-reports.js <folder> [steps that failed…]
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const [folder = '.reports', ...failedSteps] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
/** @type {string[]} */
const told = [];

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  for (const { name, message, assertionResults } of report.testResults) {
    const broken = assertionResults.filter((/** @type {{ status: string }} */ { status }) => status === 'failed');
    for (const { fullName, failureMessages } of broken) told.push(`${file}: ${relative('.', name)}: ${fullName}\n${failureMessages.join('\n').slice(0, 1_500)}`);
    if (broken.length === 0 && message) told.push(`${file}: ${relative('.', name)}\n${message.slice(0, 1_500)}`);
  }
}

for (const failure of told) console.error(`\n${failure}`);
if (failedSteps.length > 0) console.error(`\nfailed: ${failedSteps.join('; ')}`);
if (skipped > 0) console.error(`\n${skipped} tests were skipped, and here none may be`);
if (passed === 0) console.error('\nno test ran');
// A step that failed without a failing test of its own must show in the sum all the same.
if (failed === 0) failed = failedSteps.length;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || skipped > 0 || passed === 0 ? 1 : 0;
