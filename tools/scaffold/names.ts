/** One name in the forms that code needs. */
export interface Names {
  readonly kebab: string;
  readonly camel: string;
  readonly pascal: string;
}

const KEBAB = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

export function toNames(kebab: string): Names {
  if (!KEBAB.test(kebab)) throw new Error(`"${kebab}" is not a name in kebab-case, such as "open-stack".`);
  const pascal = kebab.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return { kebab, pascal, camel: `${pascal.charAt(0).toLowerCase()}${pascal.slice(1)}` };
}

/** `Jobs live in the store` → `jobs-live-in-the-store`. */
export const toSlug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
