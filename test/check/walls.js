// @ts-check
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';

/**
 * Where a module of `src` stands in the house.
 * @typedef {{ floor: string, wing: string }} Place `wing` tells apart the folders of one floor, which may not import each other.
 */

/** What each floor may import besides its own wing; the order is the height. */
const below = /** @type {Record<string, readonly string[]>} */ ({
  core: [],
  stats: ['core'],
  contract: ['core'],
  storage: ['core', 'stats', 'contract'],
  adapter: ['core', 'contract', 'storage'],
  domain: ['core', 'stats', 'contract', 'storage'],
  maturity: ['core', 'stats', 'contract', 'storage', 'domain'],
  report: ['core', 'stats', 'contract', 'storage', 'domain', 'maturity'],
  ui: ['core', 'stats', 'contract', 'storage', 'domain', 'maturity', 'report'],
  surface: ['core', 'stats', 'contract', 'storage', 'domain'],
  entry: ['core', 'stats', 'contract', 'storage', 'adapter', 'domain', 'maturity', 'report', 'ui', 'surface'],
  cli: ['core', 'entry'],
});

/** The file that speaks for a domain; another domain may import types from it and from nothing else. */
const publicClassFiles = /** @type {Record<string, string>} */ ({
  tracking: 'tracking/tracker.ts',
  registry: 'registry/registry.ts',
  features: 'features/feature-store.ts',
  pipelines: 'pipelines/pipeline.ts',
  monitoring: 'monitoring/drift-monitor.ts',
  serving: 'serving/deployment.ts',
  experiments: 'experiments/ab-test.ts',
});

/** The domain folders. */
export const domains = Object.keys(publicClassFiles);

/** Parts that may use `node:` modules. */
const nodeParts = [/^storage\/filesystem\//, /^integrations\/node\//, /^cli\//];

/** @type {{ dependencies?: Record<string, string>, peerDependencies?: Record<string, string> }} */
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const runtimePackages = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));

/**
 * @param {string} path relative to src
 * @returns {Place | undefined}
 */
function placeOf(path) {
  const [folder = '', ...rest] = path.split('/');
  if (rest.length === 0) return { floor: 'entry', wing: path };
  if (folder === 'storage') {
    if (rest.length > 1) return { floor: 'adapter', wing: `storage/${rest[0]}` };
    return rest[0] === 'contract.ts' ? { floor: 'contract', wing: path } : { floor: 'storage', wing: 'storage' };
  }
  if (folder === 'integrations') return { floor: 'surface', wing: `integrations/${rest.length > 1 ? rest[0] : ''}` };
  if (folder === 'server') return { floor: 'surface', wing: folder };
  if (folder in publicClassFiles) return { floor: 'domain', wing: folder };
  return folder in below ? { floor: folder, wing: folder } : undefined;
}

/**
 * Why `importer` may not import `specifier`, or undefined when it may.
 * @param {string} importer path relative to src
 * @param {string} specifier
 * @param {boolean} typeOnly
 * @returns {string | undefined}
 */
function forbidden(importer, specifier, typeOnly) {
  const from = placeOf(importer);
  if (from === undefined) return `src/${importer} stands on no floor; a new top folder of src needs its place in test/check/walls.js.`;
  if (!specifier.startsWith('.')) return forbiddenPackage(importer, specifier);

  const target = posix.normalize(posix.join(posix.dirname(importer), specifier));
  if (target.startsWith('..')) return `'${specifier}' leaves src.`;
  const to = placeOf(target);
  if (to === undefined) return `src/${target} stands on no floor.`;
  if (from.floor === to.floor && from.wing === to.wing) return undefined;
  if (below[from.floor]?.includes(to.floor)) return undefined;
  if (from.floor === 'domain' && to.floor === 'domain') {
    const door = publicClassFiles[to.wing];
    if (target === door && typeOnly) return undefined;
    return `${from.wing} may know ${to.wing} by type only and through src/${door}: use \`import type\`, an id or a small interface.`;
  }
  return `${from.wing} (${from.floor}) may not import src/${target} (${to.floor}); it may import: ${below[from.floor]?.join(', ') || 'nothing'}.`;
}

/**
 * @param {string} importer
 * @param {string} specifier
 * @returns {string | undefined}
 */
function forbiddenPackage(importer, specifier) {
  if (isBuiltin(specifier)) {
    if (!nodeParts.some((part) => part.test(importer))) return `'${specifier}' does not exist in a browser; only Node's own parts may import it.`;
    return specifier.startsWith('node:') ? undefined : `Write 'node:${specifier}'.`;
  }
  if (specifier === 'zod') return "Import 'zod/mini': plain zod costs 92 KB.";
  const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  return runtimePackages.has(name) ? undefined : `'${name}' is not a run-time dependency of this package.`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const wallsRule = {
  meta: { type: 'problem', schema: [], docs: { description: 'Imports go down the house, never up or sideways.' } },
  create(context) {
    const importer = posix.normalize(context.filename.replaceAll('\\', '/')).split('/src/').at(-1) ?? '';
    /** @param {any} node @param {any} source @param {boolean} typeOnly */
    const inspect = (node, source, typeOnly) => {
      if (source === null || source === undefined) return;
      const literal = source.type === 'TSLiteralType' ? source.literal : source;
      // The command line loads modules that its user names; nobody bundles it.
      if (node.type === 'ImportExpression' && literal.type !== 'Literal' && importer.startsWith('cli/')) return;
      const message =
        typeof literal.value === 'string'
          ? forbidden(importer, literal.value, typeOnly)
          : 'An import must name its module in a literal, so that bundlers and this rule can follow it.';
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: (/** @type {any} */ node) => inspect(node, node.source, node.importKind === 'type'),
      ExportNamedDeclaration: (/** @type {any} */ node) => inspect(node, node.source, node.exportKind === 'type'),
      ExportAllDeclaration: (/** @type {any} */ node) => inspect(node, node.source, node.exportKind === 'type'),
      ImportExpression: (/** @type {any} */ node) => inspect(node, node.source, false),
      TSImportType: (/** @type {any} */ node) => inspect(node, node.source ?? node.argument, true),
    };
  },
};
