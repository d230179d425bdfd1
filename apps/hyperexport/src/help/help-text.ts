import { commandTable, verbs, type Verb } from '../command-table.ts';
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

const EXIT_CODES = `EXIT CODES
    0  done              70  a defect of hyperexport
    1  different         73  the target exists or cannot be made
   64  wrong usage       74  reading or writing failed
   65  bad input         75  try again later: busy, full, changed
   66  not found         77  not permitted
  130  stopped; "hyperexport resume" goes on`;

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

${EXIT_CODES}
`;
}

/** One command's help: usage, meaning, examples, flags. */
export async function commandHelp(verb: Verb): Promise<string> {
  const command = await commandTable[verb].load();
  const flags = formatFlags(command.parameters.flags ?? {});
  return `Usage: hyperexport ${verb} ${commandTable[verb].usage}

${command.fullDescription ?? command.brief}

FLAGS
${flags}  --help                Show this help
`;
}
