const mask = '[redacted]';
const maxArgument = 2_000;

// Words that only ever name secrets, and words that do unless the value is a plain number or truth value (`--max-tokens 512`, `--key-length 8`).
const secretWords = new Set(['secret', 'secrets', 'password', 'passwords', 'passwd', 'passphrase', 'pwd', 'credential', 'credentials', 'apikey', 'accesskey', 'privatekey', 'jwt', 'dsn', 'cookie']);
const doubtfulWords = new Set(['pass', 'pw', 'token', 'tokens', 'key', 'keys', 'auth', 'authorization', 'bearer', 'session', 'signature', 'sig', 'sas']);

const knownTokens =
  /\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{30,}|hf_\w{20,}|sk-[\w-]{20,}|[rs]k_(?:live|test)_\w{10,}|xox[abprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/g;

// `name=value`, `name: value` and `"name": "value"`, alone or among others as in JSON and connection strings.
const namedValue = /(^|[\s,;{(["'])([A-Za-z][\w.-]{0,60})(["']?\s*[:=]\s*)(\[redacted\]|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"'}\])]+)/g;

/**
 * A command line without what looks secret: values of options, variables and fields that are named like secrets (`--api-key=…`, `--password …`,
 * `DB_PASSWORD=…`, `{"password":"…"}`), what follows the name in `--user name:password`, credentials and secret parameters in URLs, authorization headers,
 * and tokens of well-known forms.
 */
export function redactCommand(args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const option = /^--?([A-Za-z][\w.-]*)$/.exec(args[i - 1] ?? '')?.[1];
    if (option !== undefined && !isOption(arg) && isSecret(option, arg)) return mask;
    const account = option !== undefined && /^(?:u|.*user)$/i.test(option) ? /^[^:/\s]+:(?!\/\/)/.exec(arg) : null;
    if (account) return `${account[0]}${mask}`;
    // Twice the bound first, so that a secret cut in two at the bound is still known for one.
    return redactText(arg.slice(0, 2 * maxArgument)).slice(0, maxArgument);
  });
}

/** A text without credentials in URLs, secret assignments, authorization headers and tokens of well-known forms. */
function redactText(text: string): string {
  return redactUrls(text)
    .replace(/\b((?:proxy-)?authorization|x-api-key|api-key|cookie)(\s*:\s*).+/is, `$1$2${mask}`)
    .replace(/\b(bearer)\s+[\w+/=.~-]{8,}/gi, `$1 ${mask}`)
    .replace(/^(-{0,2}[A-Za-z][\w.-]*(?::[A-Za-z][\w.-]*)?)=([^]*)$/, (whole: string, name: string, value: string) => (isSecret(name, value) ? `${name}=${mask}` : whole))
    .replace(/^(pass):(.+)$/s, `$1:${mask}`)
    .replace(namedValue, (whole: string, before: string, name: string, between: string, value: string) => {
      const quote = /^["']/.exec(value)?.[0] ?? '';
      return isSecret(name, quote ? value.slice(1, -1) : value) ? `${before}${name}${between}${quote}${mask}${quote}` : whole;
    })
    .replace(knownTokens, mask);
}

function isOption(arg: string): boolean {
  return /^(?:--|-[A-Za-z]$)/.test(arg);
}

/** The address of a remote without credentials: user and password of web addresses, the password of others, and secret parameters. */
export function redactRemote(remote: string): string {
  return redactUrls(remote)
    .replace(`//${mask}@`, '//')
    .replace(/^([^\s/@:]+):[^\s/@]+@/, '$1@')
    .replace(knownTokens, mask);
}

function redactUrls(text: string): string {
  return text
    .replace(/((?:\b[a-z][a-z0-9+.-]*:)?\/\/)([^\s/?#]*)@/gi, (_, scheme: string, user: string) => {
      // The user of ssh is an account, not a credential.
      const account = /^(?:git\+)?ssh:/i.test(scheme) ? user.split(':')[0] : mask;
      return `${scheme}${account}@`;
    })
    // A password that should have been percent-encoded; a port is none.
    .replace(/(\/\/)([^\s/?#@:]*:(?!\d{1,5}(?:[/?#]|$))[^\s@]*)@/g, `$1${mask}@`)
    .replace(/([?&;])([\w.-]+)=([^\s&;#'"]+)/g, (whole: string, mark: string, name: string, value: string) => (isSecret(name, value) ? `${mark}${name}=${mask}` : whole));
}

function isSecret(name: string, value: string): boolean {
  if (value === '') return false;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  if (words.some((word) => secretWords.has(word))) return true;
  if (!words.some((word) => doubtfulWords.has(word))) return false;
  return !/^(?:\d{1,9}(?:\.\d+)?|true|false|yes|no|on|off)$/i.test(value);
}
