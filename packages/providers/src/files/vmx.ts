// VMware's configuration file of a VM: one `name = "value"` a line. Names are case-insensitive; `|` and two hexadecimal digits stand for a byte.
import { HyperError } from '@hypersdk/domain';

/** A VM of the largest size has some thousands of lines. */
const LINES_MAX = 20_000;
const LINE_LENGTH_MAX = 16_384;

const NAME = /^[A-Za-z0-9_.:-]{1,256}$/;

/** The encodings that VMware writes, by the name it gives them. */
const ENCODINGS: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  'us-ascii': 'utf-8',
  'windows-1252': 'windows-1252',
  'iso-8859-1': 'windows-1252',
  shift_jis: 'shift_jis',
  gbk: 'gbk',
};

/** The settings by name in lower case; of a name that is there twice, the last. Fails with `document/malformed`. */
export function parseVmx(bytes: Uint8Array): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  const lines = decode(bytes).split(/\r?\n/, LINES_MAX + 1);
  if (lines.length > LINES_MAX) throw malformed(`it has more than ${LINES_MAX} lines`);
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#') || text.startsWith('//')) continue;
    const setting = text.length > LINE_LENGTH_MAX ? undefined : parseSetting(text);
    if (!setting) throw malformed(`line ${index + 1} is no setting`);
    settings.set(setting.name.toLowerCase(), unescape(setting.value));
  }
  return settings;
}

/** `name = "value"`; the quotes may be left out. Taken apart by hand, because a pattern with white space on all sides takes quadratic time. */
function parseSetting(line: string): { readonly name: string; readonly value: string } | undefined {
  const equals = line.indexOf('=');
  const name = line.slice(0, Math.max(equals, 0)).trim();
  const given = line.slice(equals + 1).trim();
  const isQuoted = given.length > 1 && given.startsWith('"') && given.endsWith('"');
  const value = isQuoted ? given.slice(1, -1) : given;
  return NAME.test(name) && !value.includes('"') ? { name, value } : undefined;
}

function decode(bytes: Uint8Array): string {
  const named = /^[ \t]*\.encoding[ \t]*=[ \t]*"([^"]{1,40})"/im.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 4096)))?.[1] ?? 'utf-8';
  const encoding = ENCODINGS[named.toLowerCase()];
  if (encoding === undefined) throw malformed(`its encoding ${JSON.stringify(named)} is not known`);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed(`it is not written in ${named}`, cause);
  }
}

const unescape = (value: string): string =>
  value.replaceAll(/\|([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

const malformed = (why: string, cause?: unknown): HyperError =>
  new HyperError('document/malformed', `This VMX file is refused: ${why}.`, { detail: { why }, cause });
