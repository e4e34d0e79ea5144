import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { root } from './project.ts';
import { run } from './run-tool.ts';

/** A piece of code from the documentation that must stand on its own. */
export interface Example {
  /** Where a person finds it: `README.md:40`. */
  readonly origin: string;
  readonly code: string;
}

export interface ExampleFailure {
  readonly origin: string;
  readonly problem: string;
}

// Inside the package, so that `modelkeep` resolves to the package itself through its own exports: to dist, as it is shipped.
const directory = `${root}.generated/examples/`;

/** What the runner's own lines begin with, among whatever an example prints. */
const reportMark = '@@example ';

/** Type-checks all examples in one program, then runs those that compile, one after another, in one process. */
export async function tryExamples(examples: readonly Example[]): Promise<ExampleFailure[]> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const originOf = new Map(examples.map((example, index) => [fileName(example, index), example.origin]));
  examples.forEach((example, index) => writeFileSync(`${directory}${fileName(example, index)}.ts`, example.code));
  const failures = compile(originOf);
  const broken = new Set(failures.map(({ origin }) => origin));
  const sound = [...originOf].filter(([, origin]) => !broken.has(origin));
  return [...failures, ...(sound.length > 0 ? await runAll(new Map(sound)) : [])];
}

function fileName({ origin }: Example, index: number): string {
  return `${String(index).padStart(3, '0')}-${origin.replace(/[^a-zA-Z0-9]+/g, '-')}`;
}

function compile(originOf: ReadonlyMap<string, string>): ExampleFailure[] {
  const program = ts.createProgram(
    [...originOf.keys()].map((name) => `${directory}${name}.ts`),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleDetection: ts.ModuleDetectionKind.Force,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      outDir: `${directory}out`,
      rootDir: directory,
    },
  );
  const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return diagnostics.map(({ file, start = 0, messageText }) => {
    const name = file?.fileName.replace(directory, '').replace(/\.ts$/, '') ?? '';
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return { origin: originOf.get(name) ?? name, problem: `line ${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}` };
  });
}

async function runAll(originOf: ReadonlyMap<string, string>): Promise<ExampleFailure[]> {
  const names = [...originOf.keys()];
  const files = names.map((name) => `${directory}out/${name}.js`);
  // By its address, for a thread that an example begins looks for it from the directory of the example.
  const { code, stdout, output } = await run(process.execPath, ['--import', import.meta.resolve('tsx'), 'test/check/example-runner.ts', ...files]);
  const results = stdout
    .split('\n')
    .filter((line) => line.startsWith(reportMark))
    .map((line) => JSON.parse(line.slice(reportMark.length)) as { file: string; error?: string });
  const failures = results.flatMap(({ file, error }) => {
    if (error === undefined) return [];
    const name = file.replace(`${directory}out/`, '').replace(/\.js$/, '');
    return [{ origin: originOf.get(name) ?? name, problem: error.replaceAll(root, '') }];
  });
  if (failures.length === 0 && (code !== 0 || results.length !== names.length)) {
    const unfinished = names[results.length];
    const origin = unfinished === undefined ? 'all examples' : (originOf.get(unfinished) ?? unfinished);
    return [{ origin, problem: `the process ended with ${code} without finishing it\n${output}` }];
  }
  return failures;
}
