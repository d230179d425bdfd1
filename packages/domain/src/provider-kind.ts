/** The kinds of platform that work today. A kind is added together with its provider. */
export const providerKinds = ['files', 'memory', 'nbd', 'http', 'libvirt'] as const;
export type ProviderKind = (typeof providerKinds)[number];
