/**
 * Copies an object and all that it holds, but what is frozen, which the copy shares. What has private fields is to be of a
 * module that is `opened`: others cannot be copied.
 * @param copies of what is copied already: what is met twice is copied once; also of what is to be something else, or itself
 */
export function copied<T>(value: T, copies: Map<unknown, unknown>): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known as T;
  return copyOf(value, copies) as T;
}

function copyOf(value: object, copies: Map<unknown, unknown>): object {
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copies.set(value, copy);
    for (const one of value) copy.push(copied(one, copies));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map();
    copies.set(value, copy);
    for (const [key, one] of value) copy.set(copied(key, copies), copied(one, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set();
    copies.set(value, copy);
    for (const one of value) copy.add(copied(one, copies));
    return copy;
  }
  const prototype = Object.getPrototypeOf(value);
  // Most are plain, and spreading is what copies them fast.
  const copy = prototype === Object.prototype ? { ...value } : Object.assign(Object.create(prototype), value);
  copies.set(value, copy);
  for (const key in copy) if (typeof copy[key] === "object") copy[key] = copied(copy[key], copies);
  return copy;
}
