import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entries, packageJson, root } from './project.ts';
import { demandBuild, npm, run, runTool } from './run-tool.ts';

let consumer: string;
let tarballName: string;
let files: readonly string[];

beforeAll(async () => {
  demandBuild();
  consumer = mkdtempSync(join(tmpdir(), 'modelkeep-consumer-'));
  const packed = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', consumer], root);
  const [tarball] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  files = tarball.files.map((file) => file.path);
  tarballName = tarball.filename;
  await install();
});

/** Installs the packed package as a stranger would, beside other packages when they are named. */
async function install(...others: string[]): Promise<void> {
  rmSync(join(consumer, 'node_modules'), { recursive: true, force: true });
  rmSync(join(consumer, 'package-lock.json'), { force: true });
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await npm(['install', `./${tarballName}`, ...others, '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], consumer);
}

afterAll(() => rmSync(consumer, { recursive: true, force: true }));

describe('package', () => {
  test('publint finds nothing', async () => {
    await runTool('publint', 'publint', ['--strict']);
  });

  test('types resolve for every kind of importer', async () => {
    await runTool('@arethetypeswrong/cli', 'attw', ['--pack', '.', '--profile', 'esm-only', '--no-emoji']);
  });

  test('ships dist, src and its papers, nothing else', () => {
    const strangers = files.filter((file) => !/^(dist|src)\/|^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(file));
    expect(strangers).toEqual([]);
    for (const { name } of entries) expect(files).toContain(`dist/${name}.js`);
  });

  test('what is compiled imports only files that there are', () => {
    const compiled = new Set(files.filter((file) => /^dist\/.*\.js$/.test(file)));
    const missing = [...compiled].flatMap((file) =>
      ts
        .preProcessFile(readFileSync(root + file, 'utf8'), true, true)
        .importedFiles.filter(({ fileName }) => fileName.startsWith('.') && !compiled.has(posix.join(posix.dirname(file), fileName)))
        .map(({ fileName }) => `${file}: ${fileName}`),
    );
    expect(missing).toEqual([]);
  });

  test('the lock file names no registry and no deprecated package', () => {
    const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
      packages: Record<string, { resolved?: string; deprecated?: string }>;
    };
    const suspicious = Object.entries(lock.packages).filter(([, entry]) => entry.resolved ?? entry.deprecated);
    expect(suspicious).toEqual([]);
  });
});

describe('a project that installs the package', () => {
  test('imports every entry in plain Node, and nothing is printed', importsEverything);

  test('may require it where Node can', async () => {
    writeFileSync(join(consumer, 'main.cjs'), `process.exitCode = Object.keys(require('${packageJson.name}')).length > 0 ? 0 : 9;`);
    const { code, output } = await run(process.execPath, ['--no-warnings', 'main.cjs'], consumer);
    expect({ code, output }).toEqual({ code: 0, output: '' });
  });

  test('has the command line: what it is, what it can do, and a store made, looked at and diagnosed by it', async () => {
    const modelkeep = (...args: string[]) => run('npx', ['--no-install', packageJson.name, ...args], consumer);
    expect(await modelkeep('--version')).toMatchObject({ code: 0, stdout: `${packageJson.version}\n` });
    expect((await modelkeep('help', 'runs', 'ls')).stdout).toContain('modelkeep runs ls');
    expect(await modelkeep('runs', 'ls')).toMatchObject({ code: 1, stdout: '', output: expect.stringContaining('[not-found]') as string });
    writeFileSync(join(consumer, 'points.csv'), 'metric,step,value\nloss,1,0.5\nloss,2,0.25\n');
    expect(await modelkeep('runs', 'import', 'points.csv', '--started-at', '2026-01-31')).toMatchObject({ code: 0, output: '1 run with 2 points imported, 0 unchanged.\n' });
    const { stdout } = await modelkeep('runs', 'ls', '--json');
    expect((JSON.parse(stdout) as { items: unknown[] }).items).toMatchObject([{ experiment: 'points', metrics: { loss: { value: 0.25, step: 2 } } }]);
    const doctor = await modelkeep('doctor');
    expect(doctor).toMatchObject({ code: 0 });
    expect(doctor.stdout).toMatch(/ok +store +filesystem/);
    // Parquet is read by a package that is not asked for unless it is needed.
    writeFileSync(join(consumer, 'rows.parquet'), '');
    expect((await modelkeep('drift', 'check', 'rows.parquet', 'rows.parquet')).output).toMatch(/npm install hyparquet.*\[unsupported\]/s);
  });

  test('type-checks it strictly for a page', () => typeChecks('browser'));

  test('type-checks it strictly for Node', () => typeChecks('node'));

  test('may have the oldest dependencies that we admit', async () => {
    await install(...Object.entries(packageJson.dependencies).map(([name, range]) => `${name}@${range.replace('^', '')}`));
    await importsEverything();
    await typeChecks('browser');
  });
});

async function importsEverything(): Promise<void> {
  const program = entries.map(({ specifier }) => `if (Object.keys(await import('${specifier}')).length === 0) process.exit(9);`);
  writeFileSync(join(consumer, 'main.js'), program.join('\n'));
  expect(await run(process.execPath, ['main.js'], consumer)).toEqual({ code: 0, stdout: '', output: '' });
}

async function typeChecks(platform: 'browser' | 'node'): Promise<void> {
  const imported = entries.filter((entry) => platform === 'node' || entry.platform === 'browser');
  writeFileSync(
    join(consumer, `${platform}.ts`),
    imported.map(({ specifier, name }) => `export * as ${name} from '${specifier}';`).join('\n'),
  );
  const browser = platform === 'browser';
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'ES2022',
    module: 'NodeNext',
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    // Off where it can be, so that our declaration files are read as strictly as the stranger's own.
    skipLibCheck: !browser,
    lib: ['ES2022', 'ESNext.Disposable', ...(browser ? ['DOM', 'DOM.AsyncIterable'] : [])],
    types: browser ? [] : ['node'],
    typeRoots: [`${root}node_modules/@types`],
  };
  writeFileSync(join(consumer, `tsconfig.${platform}.json`), JSON.stringify({ compilerOptions, files: [`${platform}.ts`] }));
  await runTool('typescript', 'tsc', ['--pretty', 'false', '--project', `tsconfig.${platform}.json`], consumer);
}
