// DSP0243 1.1.0, "Virtual hardware description"; properties of CIM_ResourceAllocationSettingData.

/** A device of a VM. Properties are those of the CIM schema. */
export type OvfItem = Readonly<Record<string, string | number | undefined>> & {
  readonly ElementName: string;
  readonly InstanceID: number;
  readonly ResourceType: number;
};

/** Some readers go by the schema, where properties stand in the order of their names. */
export function writeItem(item: OvfItem): string {
  const properties = Object.entries(item)
    .filter((entry): entry is [string, string | number] => entry[1] !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `      <Item>\n${properties.map(([name, value]) => `        <rasd:${name}>${escapeXml(String(value))}</rasd:${name}>\n`).join('')}      </Item>\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Text from outside as XML can hold it; characters that XML cannot hold become a question mark (XML 1.0 §2.2). */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '?')
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
