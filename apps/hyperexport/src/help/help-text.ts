import { commandTable, verbs, type Verb } from '../command-table.ts';
import { exitCodes } from './exit-codes.ts';
import { formatFlags } from './format-flags.ts';

const ABOUT = `Exports virtual machine disks, converts them on the way, survives being
stopped, and proves the copy.`;

const EXAMPLES = `EXAMPLES
  hyperexport list /var/lib/libvirt/images
  hyperexport export /var/lib/libvirt/images web-01 --to /backup
  hyperexport export disk.vmdk --to /backup --compression zstd
  hyperexport convert disk.vmdk disk.qcow2
  hyperexport verify /backup/web-01
  hyperexport resume`;

/** Two columns, and what is too long for one below. */
function formatExitCodes(): string {
  const [last, ...short] = exitCodes.toReversed();
  const half = short.length / 2;
  const cell = ([code, meaning]: (typeof exitCodes)[number]): string => `${String(code).padStart(4)}  ${meaning}`;
  const pairs = short.toReversed().slice(0, half);
  const lines = pairs.map((left, at) => {
    const right = short.toReversed()[half + at];
    return ` ${cell(left).padEnd(22)}${right ? cell(right) : ''}`.trimEnd();
  });
  return ['EXIT CODES', ...lines, ...(last ? [` ${cell(last)}`] : [])].join('\n');
}

/** The help without a command: what there is to do. */
export function rootHelp(): string {
  const width = Math.max(...verbs.map((verb) => verb.length));
  const commands = verbs.map((verb) => `  ${verb.padEnd(width)}  ${commandTable[verb].brief}`).join('\n');
  return `Usage: hyperexport COMMAND …

${ABOUT}

COMMANDS
${commands}

${EXAMPLES}

"hyperexport COMMAND --help" tells more, with examples. --version: the version.

${formatExitCodes()}
`;
}

/** One command's help: usage, meaning, examples, flags. */
export async function commandHelp(verb: Verb): Promise<string> {
  const command = await commandTable[verb].load();
  const flags = formatFlags(command.parameters.flags ?? {});
  return `Usage: ${['hyperexport', verb, commandTable[verb].usage].join(' ').trimEnd()}

${command.fullDescription ?? command.brief}

FLAGS
${flags}  --help                Show this help
`;
}
