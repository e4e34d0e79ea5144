/** Whether a value is an object of JSON. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object of these fields as its own, whatever they are called: `__proto__` is a name like others. */
export function ownFields<T>(fields: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(fields);
}
