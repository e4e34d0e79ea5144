/** A command line as a POSIX shell takes it: arguments with anything but plain characters in single quotes. */
export function quoteCommand(args: readonly string[]): string {
  return args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)).join(' ');
}
