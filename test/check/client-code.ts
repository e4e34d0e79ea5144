import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { root } from './project.ts';

/** Code of a page that src holds as a constant, since a page of ours loads nothing. */
export interface ClientCode {
  /** What is bundled: TypeScript, or CSS. */
  readonly entry: string;
  /** The module that holds it. */
  readonly target: string;
  /** The constant in it. */
  readonly name: string;
}

/** All of it. A new one needs its entry in knip.jsonc too. */
export const clientCode: readonly ClientCode[] = [
  { entry: 'src/report/client/chart.css', target: 'src/report/svg/chart-style.ts', name: 'chartStyle' },
  { entry: 'src/report/client/page.css', target: 'src/report/page/page-style.ts', name: 'pageStyle' },
  { entry: 'src/report/client/page.ts', target: 'src/report/page/client-script.ts', name: 'clientScript' },
  { entry: 'src/ui/client/page.css', target: 'src/ui/page/style.ts', name: 'uiStyle' },
  { entry: 'src/ui/client/page.ts', target: 'src/ui/page/script.ts', name: 'uiScript' },
];

/** The text of the module that holds a piece of client code. */
export async function clientModule({ entry, name }: ClientCode): Promise<string> {
  const { outputFiles } = await build({ entryPoints: [root + entry], bundle: true, minify: true, write: false, format: 'iife', target: ['es2022', 'chrome120', 'firefox120', 'safari17'], legalComments: 'none', charset: 'ascii' });
  const code = outputFiles[0]!.text.trim();
  return `// Bundled from ${entry}; \`npm run client:sync\` writes it anew.\nexport const ${name}: string =\n  ${JSON.stringify(code)};\n`;
}

if (process.argv[1]?.endsWith('client-code.ts')) {
  for (const one of clientCode) writeFileSync(root + one.target, await clientModule(one));
}
