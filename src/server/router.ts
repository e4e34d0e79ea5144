import { protocolPath } from '../storage/http-protocol.ts';
import type { Target } from './call.ts';
import { Refusal } from './refusal.ts';
import type { Method, Route } from './route.ts';
import { isWorkspaceName } from './workspace-storage.ts';

const longestTarget = 16 * 1024;

interface Pattern {
  readonly route: Route;
  /** The segments below the first: a text, or the name of a parameter in braces. */
  readonly segments: readonly string[];
}

/** Finds what a path and a method ask for. */
export class Router {
  readonly #base: string;
  readonly #workspaces: boolean;
  /** By the first segment. */
  readonly #patterns = new Map<string, Pattern[]>();

  constructor(routes: readonly Route[], { basePath, workspaces }: { readonly basePath: string; readonly workspaces: boolean }) {
    this.#base = `${basePath}/`;
    this.#workspaces = workspaces;
    for (const route of routes) {
      const [first = '', ...segments] = route.path.slice(1).split('/');
      const patterns = this.#patterns.get(first) ?? [];
      patterns.push({ route, segments });
      this.#patterns.set(first, patterns);
    }
  }

  /** What a request asks for. Throws what makes a 404, 405 or 414. */
  find(method: string, target: string): Target {
    const { workspace, path, search } = this.#locate(target);
    const found = this.#matches(path);
    const wanted = method === 'HEAD' ? 'GET' : method;
    const match = found.find(({ route }) => route.method === wanted);
    if (match) return { route: match.route, params: match.params, search, workspace };
    if (found.length === 0) throw nothing();
    const allow = allowed(found.map(({ route }) => route.method)).join(', ');
    throw new Refusal(405, 'unsupported', `Only ${allow} can be asked for here.`, { headers: { allow } });
  }

  /** The methods that a path has. */
  methods(target: string): string[] {
    return allowed(this.#matches(this.#locate(target).path).map(({ route }) => route.method));
  }

  #locate(target: string): { workspace: string | undefined; path: string; search: string } {
    if (target.length > longestTarget) throw new Refusal(414, 'validation', `The URL is longer than ${longestTarget} characters.`);
    const mark = target.indexOf('?');
    let path = mark === -1 ? target : target.slice(0, mark);
    if (!path.startsWith(this.#base)) throw nothing();
    path = path.slice(this.#base.length);
    let workspace: string | undefined;
    if (this.#workspaces && path.startsWith('workspaces/')) {
      const end = path.indexOf('/', 'workspaces/'.length);
      workspace = path.slice('workspaces/'.length, end === -1 ? undefined : end);
      if (end === -1 || !isWorkspaceName(workspace)) throw new Refusal(404, 'not-found', 'No workspace can be called so.');
      path = path.slice(end + 1);
    }
    if (!path.startsWith(`${protocolPath}/`)) throw nothing();
    return { workspace, path: path.slice(protocolPath.length + 1), search: mark === -1 ? '' : target.slice(mark + 1) };
  }

  #matches(path: string): { route: Route; params: Readonly<Record<string, string>> }[] {
    const end = path.indexOf('/');
    const patterns = this.#patterns.get(end === -1 ? path : path.slice(0, end)) ?? [];
    const rest = end === -1 ? undefined : path.slice(end + 1);
    return patterns.flatMap(({ route, segments }) => {
      const params = paramsOf(segments, rest);
      return params ? [{ route, params }] : [];
    });
  }
}

/** The parameters of a pattern in the rest of a path; `undefined` when it is not of that form. */
function paramsOf(segments: readonly string[], rest: string | undefined): Readonly<Record<string, string>> | undefined {
  if (rest === undefined || segments.length === 0) return rest === undefined && segments.length === 0 ? {} : undefined;
  // A key may have slashes of its own.
  if (segments[0] === '{key}') return { key: rest };
  const parts = rest.split('/');
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = parts[i]!;
    else if (segment !== parts[i]) return undefined;
  }
  return params;
}

function allowed(methods: readonly Method[]): string[] {
  return methods.includes('GET') ? ['HEAD', ...methods] : [...methods];
}

function nothing(): Refusal {
  return new Refusal(404, 'not-found', `There is nothing here; paths begin with the base of the handler and /${protocolPath}/.`);
}
