// @ts-check
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { domains, wallsRule } from './walls.js';

/** @typedef {import('eslint').Linter.Config} Config */

/** @param {string} selector @param {string} message */
const never = (selector, message) => ({ selector, message });

export const walls = /** @satisfies {Config} */ ({
  files: ['src/**/*.ts'],
  plugins: { modelkeep: { rules: { walls: wallsRule } } },
  rules: { 'modelkeep/walls': 'error' },
});

/** What the house style forbids in src. */
export const style = /** @satisfies {Config} */ ({
  files: ['src/**/*.ts'],
  rules: {
    'no-restricted-syntax': [
      'error',
      never('ExportDefaultDeclaration', 'Exports have names.'),
      never('TSEnumDeclaration', 'Use a union of literals.'),
      never('TSModuleDeclaration[global!=true]', 'Use a module.'),
      never('TSParameterProperty', 'Declare the field.'),
      never(':matches(PropertyDefinition, MethodDefinition[kind!="constructor"])[accessibility=/private|protected/]', 'Use a #private member.'),
      never('Program > VariableDeclaration[kind="let"]', 'A module keeps no state.'),
      never('Program > ExportNamedDeclaration > VariableDeclaration[kind="let"]', 'A module keeps no state.'),
    ],
    '@typescript-eslint/no-explicit-any': 'error',
    'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
  },
});

/** A library prints nothing; the command line is the exception. */
export const silence = /** @satisfies {Config} */ ({
  files: ['src/**/*.ts'],
  ignores: ['src/cli/**'],
  rules: { 'no-console': 'error' },
});

/** Time, chance and the network are handed in, so that a test can replay a decision. */
export const injected = /** @satisfies {Config} */ ({
  files: domains.map((domain) => `src/${domain}/**/*.ts`),
  rules: {
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'Ask the clock that was handed in.' },
      { object: 'Math', property: 'random', message: 'Ask the random source that was handed in.' },
      { object: 'performance', property: 'now', message: 'Ask the clock that was handed in.' },
    ],
    'no-restricted-globals': [
      'error',
      ...['setTimeout', 'setInterval', 'setImmediate', 'fetch'].map((name) => ({ name, message: 'Use what was handed in.' })),
    ],
  },
});

export default defineConfig(
  { ignores: ['dist/', '.*/', 'node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['src/**/*.ts', 'test/**/*.{ts,js}', 'examples/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ['tsconfig.json', 'test/tsconfig.json'], tsconfigRootDir: `${import.meta.dirname}/../..` },
    },
    rules: {
      eqeqeq: 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['test/**/*.{ts,js}', 'examples/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  walls,
  style,
  silence,
  injected,
);
