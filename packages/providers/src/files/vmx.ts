// VMware's configuration file of a VM: one `name = "value"` a line. Names are case-insensitive; `|` and two hexadecimal digits stand for a byte.
import { HyperError } from '@hypersdk/domain';

/** A VM of the largest size has some thousands of lines. */
const LINES_MAX = 20_000;
const LINE_LENGTH_MAX = 16_384;

const SETTING = /^([A-Za-z0-9_.:-]{1,256})[ \t]*=[ \t]*(?:"([^"]*)"|([^"\s][^"]*)?)[ \t]*$/;

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
    const match = text.length > LINE_LENGTH_MAX ? undefined : SETTING.exec(text);
    if (match?.[1] === undefined) throw malformed(`line ${index + 1} is no setting`);
    settings.set(match[1].toLowerCase(), unescape(match[2] ?? match[3] ?? ''));
  }
  return settings;
}

function decode(bytes: Uint8Array): string {
  const named = /^\s*\.encoding\s*=\s*"([^"]{1,40})"/im.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 4096)))?.[1] ?? 'utf-8';
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
