/**
 * The library, loaded when a command needs it. In a function of its own: TypeScript 6.0 leaves the `.ts` of an `import()` as it is where it compiles `await using` of the same function.
 */
export function library(): Promise<typeof import('../index.ts')> {
  return import('../index.ts');
}
