import { quoteCommand } from './quote-command.ts';
import type { Reproduction } from './reproduction.ts';

const installs: Readonly<Record<string, string>> = {
  'package-lock.json': 'npm ci',
  'npm-shrinkwrap.json': 'npm ci',
  'pnpm-lock.yaml': 'pnpm install --frozen-lockfile',
  'yarn.lock': 'yarn install --frozen-lockfile',
  'bun.lock': 'bun install --frozen-lockfile',
  'bun.lockb': 'bun install --frozen-lockfile',
  'deno.lock': 'deno install --frozen',
};

/** What a person does to run it again: shell commands where there are some, sentences where a hand is needed. */
export function reproductionSteps(recipe: Omit<Reproduction, 'warnings' | 'steps'>): string[] {
  const { commit, remote, dirty, diff, directory, environment, datasets, seed, command } = recipe;
  const steps: string[] = [];
  if (commit !== undefined && remote !== undefined) steps.push(`git clone ${quoteCommand([remote])} run && cd run`);
  if (commit !== undefined) steps.push(`git checkout ${quoteCommand([commit])}`);
  if (dirty && diff) steps.push('Save `diff` of this recipe as run.patch, then: git apply run.patch');
  if (commit !== undefined && directory !== undefined) steps.push(`cd ${quoteCommand([directory])}`);
  if (environment?.runtimeVersion !== undefined) steps.push(`Use ${environment.runtime} ${environment.runtimeVersion}${platformOf(environment)}.`);
  if (environment?.lockfile) {
    const { name, digest } = environment.lockfile;
    steps.push(`Check that ${name} has the digest ${digest}.`);
    const install = Object.hasOwn(installs, name) ? installs[name] : undefined;
    if (install !== undefined) steps.push(install);
  }
  for (const { name, role, source, fingerprint } of datasets) {
    const from = source === undefined ? '' : ` from ${source}`;
    const check = fingerprint === undefined ? '' : ` and check that its fingerprint is ${fingerprint}`;
    steps.push(`Get dataset '${name}' for ${role}${from}${check}.`);
  }
  if (seed !== undefined) steps.push(`Seed with ${String(seed.value)}, as recorded by ${seed.from === 'run' ? 'the run' : seed.from}.`);
  if (command !== undefined && command.length > 0) steps.push(quoteCommand(movable(command, recipe.entry)));
  return steps;
}

/** The command with its script as seen from the directory it was started in, where it was recorded so. */
function movable(command: readonly string[], entry: string | undefined): readonly string[] {
  if (entry === undefined) return command;
  const script = command.findIndex((arg) => arg.replaceAll('\\', '/').endsWith(`/${entry}`));
  return command.map((arg, i) => (i === script ? entry : arg));
}

function platformOf({ platform, architecture }: { platform?: string; architecture?: string }): string {
  const parts = [platform, architecture].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` on ${parts.join(' ')}`;
}
