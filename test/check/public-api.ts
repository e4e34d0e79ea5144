import { existsSync } from 'node:fs';
import ts from 'typescript';
import { entries, root, type Entry } from './project.ts';

/** Something that a user can import, with its documentation. */
export interface PublicExport {
  readonly name: string;
  /** What it is to a user: a class that is exported by `export type` is a type. */
  readonly kind: 'class' | 'error class' | 'function' | 'constant' | 'type';
  /** Where it is declared, from the root: `src/tracking/tracker.ts`. */
  readonly file: string;
  readonly line: number;
  readonly description: string;
  /** The texts of its `@example` tags, its members' included. */
  readonly examples: readonly DocExample[];
}

export interface DocExample {
  /** `src/tracking/tracker.ts:12 Tracker.startRun` */
  readonly origin: string;
  readonly markdown: string;
  /** Whether the tag stands at the export itself and not at one of its members. */
  readonly ownOf: boolean;
}

/** The public surface of every entry that has its file, by reading the sources once. */
export function readPublicApi(): ReadonlyMap<Entry, readonly PublicExport[]> {
  const config = ts.getParsedCommandLineOfConfigFile(`${root}tsconfig.json`, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail });
  if (config === undefined) throw new Error('tsconfig.json cannot be read.');
  const present = entries.filter(({ source }) => existsSync(root + source));
  const program = ts.createProgram(
    present.map(({ source }) => root + source),
    config.options,
  );
  const checker = program.getTypeChecker();
  return new Map(present.map((entry) => [entry, exportsOf(entry, program, checker)]));
}

function fail(diagnostic: ts.Diagnostic): never {
  throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}

function exportsOf(entry: Entry, program: ts.Program, checker: ts.TypeChecker): PublicExport[] {
  const source = program.getSourceFile(root + entry.source);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry.source} exports nothing.`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => describe(symbol, checker))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(exported: ts.Symbol, checker: ts.TypeChecker): PublicExport {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const { file, line } = positionOf(symbol);
  const members = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  return {
    name: exported.name,
    kind: exportedAsType(exported) ? 'type' : kindOf(symbol, checker),
    file,
    line,
    description: ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim(),
    examples: [
      ...examplesOf(symbol, exported.name, true, checker),
      ...members.flatMap((member) => examplesOf(member, `${exported.name}.${member.name}`, false, checker)),
    ],
  };
}

function exportedAsType(exported: ts.Symbol): boolean {
  return (exported.declarations ?? []).some((declaration) => ts.isExportSpecifier(declaration) && ts.isTypeOnlyExportDeclaration(declaration));
}

function kindOf(symbol: ts.Symbol, checker: ts.TypeChecker): PublicExport['kind'] {
  if (symbol.flags & ts.SymbolFlags.Class) {
    const bases = checker.getPropertyOfType(checker.getDeclaredTypeOfSymbol(symbol), 'stack');
    return bases === undefined ? 'class' : 'error class';
  }
  if (symbol.flags & ts.SymbolFlags.Function) return 'function';
  return symbol.flags & ts.SymbolFlags.Value ? 'constant' : 'type';
}

function positionOf(symbol: ts.Symbol): { file: string; line: number } {
  const declaration = symbol.declarations?.[0];
  if (declaration === undefined) return { file: '?', line: 0 };
  const source = declaration.getSourceFile();
  const line = source.getLineAndCharacterOfPosition(declaration.getStart(source)).line + 1;
  return { file: source.fileName.replace(root, ''), line };
}

function examplesOf(symbol: ts.Symbol, name: string, ownOf: boolean, checker: ts.TypeChecker): DocExample[] {
  const { file, line } = positionOf(symbol);
  return symbol
    .getJsDocTags(checker)
    .filter((tag) => tag.name === 'example')
    .map((tag) => ({ origin: `${file}:${line} ${name}`, markdown: ts.displayPartsToString(tag.text), ownOf }));
}
