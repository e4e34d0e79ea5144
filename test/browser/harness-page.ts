/** What this page remembers between two visits. */
export function remembered(): string | null {
  return localStorage.getItem('remembered');
}

export function remember(text: string): void {
  localStorage.setItem('remembered', text);
}

export async function fail(message: string): Promise<never> {
  throw new RangeError(message);
}

export async function ask(path: string): Promise<string> {
  return (await fetch(path)).text();
}

export function isSecure(): boolean {
  return isSecureContext;
}
