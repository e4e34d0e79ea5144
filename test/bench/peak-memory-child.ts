const [module = '', exportName = '', argument = 'null'] = process.argv.slice(2);

const loaded = (await import(module)) as Record<string, (argument: unknown) => unknown>;
if (exportName !== '') {
  const subject = loaded[exportName];
  if (subject === undefined) throw new Error(`${module} does not export ${exportName}.`);
  await subject(JSON.parse(argument));
}
process.send?.(process.resourceUsage().maxRSS, () => process.disconnect());
