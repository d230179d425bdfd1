/** The original with some members exchanged; all others work as before, private fields included. */
export function mutate<T extends object>(original: T, changed: Partial<T>): T {
  return new Proxy(original, {
    get(target, key) {
      if (Object.hasOwn(changed, key)) return Reflect.get(changed, key);
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
