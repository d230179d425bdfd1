import { resolve } from 'node:path';
import { formatBytes, HyperError, imageFormats, type VMInfo } from '@hypersdk/domain';
import type { CliContext } from '../cli-context.ts';
import { chooseVMs } from '../export/choose-vms.ts';
import { canDraw, isTooSmall, windowSize } from '../fullscreen/window.ts';
import { absolutePlace, openToLook, type LookFlags } from '../open-files.ts';
import { toArgs } from '../flags/to-args.ts';
import { printable } from '../output/printable.ts';
import { shellWord } from '../output/shell-word.ts';
import { statIfThere } from '../stat-if-there.ts';
import type { Asker } from './asker.ts';
import { GuideLeft } from './asker.ts';

/** As for a shell that Ctrl-C left. */
const LEFT_EXIT = 130;

/** Whoever has mistyped a path this often should look at it elsewhere. */
const ATTEMPTS_MAX = 20;

/** Longer lists are not chosen from one by one. */
const VMS_SHOWN_MAX = 200;

interface GuideChoices {
  readonly plain: boolean;
  readonly source?: string;
  /** About the source, for every command that is made. */
  readonly flags?: LookFlags;
}

/** Asks for source, VMs, format and target, shows the command that this makes, and runs it when it is confirmed. Answers the exit code. */
export async function runGuide(cli: CliContext, asker: Asker, o: GuideChoices): Promise<number> {
  try {
    const line = await askForLine(cli, asker, o);
    if (line[0] === 'browse') {
      asker[Symbol.dispose]();
      return await cli.again(line);
    }
    asker.say(`This is the command:\n  hyperexport ${line.map(shellWord).join(' ')}`);
    const next = await asker.choose('What now?', [
      { value: 'run', label: 'Export' },
      { value: 'plan', label: 'Only show what would be done' },
      { value: 'leave', label: 'Leave, and do nothing' },
    ]);
    if (next === 'leave') return 0;
    asker[Symbol.dispose]();
    const [verb = 'export', ...words] = line;
    return await cli.again([verb, ...(o.plain ? ['--plain'] : []), ...(next === 'plan' ? ['--dry-run'] : []), ...words]);
  } catch (thrown) {
    if (!(thrown instanceof GuideLeft)) throw thrown;
    cli.terminal.err('hyperexport: left; nothing was done.\n');
    return LEFT_EXIT;
  }
}

async function askForLine(cli: CliContext, asker: Asker, o: GuideChoices): Promise<readonly string[]> {
  const { source, vms } = await askForSource(cli, asker, o);
  const { recursive, followReferences, allowPlaintext, singleConnection, ca, headerFile, thumbprint, user, passwordFile } = o.flags ?? {};
  const sourceFlags = toArgs({ recursive, followReferences, allowPlaintext, singleConnection, ca, headerFile, thumbprint, user, passwordFile });
  const chosen = await askForVMs(asker, vms, { canBrowse: !o.plain && canDraw(process.env) && !isTooSmall(windowSize()) });
  if (chosen === 'browse') return ['browse', ...sourceFlags, '--', source];
  const format = await asker.choose(
    'Which format shall the images have?',
    ['qcow2', ...imageFormats.filter((one) => one !== 'qcow2')].map((value) => ({ value, label: value })),
  );
  const target = await askForTarget(asker);
  return ['export', '--format', format, '--to', target, ...sourceFlags, '--', source, ...chosen];
}

/** A source that was typed is not asked for, unless nothing is there. */
async function askForSource(cli: CliContext, asker: Asker, o: GuideChoices): Promise<{ readonly source: string; readonly vms: readonly VMInfo[] }> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const typed = attempt === 0 ? o.source : undefined;
    const source = absolutePlace(typed ?? (await asker.text('Folder of disk images, one image, or a connection such as qemu:///system', '.')));
    try {
      return { source, vms: await listThere(cli, source, o.flags) };
    } catch (thrown) {
      if (!(thrown instanceof HyperError)) throw thrown;
      asker.say(printable(`${thrown.message.replace(/\.$/, '')}. ${thrown.mend}`));
    }
  }
  throw new GuideLeft();
}

async function listThere(cli: CliContext, source: string, flags: LookFlags = {}): Promise<readonly VMInfo[]> {
  const { signal } = new AbortController();
  await using session = await openToLook(await cli.services(), source, { signal, flags });
  return await chooseVMs(session.facets.inventory, { names: [] }, { signal, onProblem: () => undefined });
}

/** No names for all of them: then the command stays short, and takes what comes later too. */
async function askForVMs(asker: Asker, vms: readonly VMInfo[], o: { readonly canBrowse: boolean }): Promise<readonly string[] | 'browse'> {
  const [first] = vms;
  if (vms.length === 1 && first) {
    asker.say(`There is one VM: ${describeVM(first)}`);
    return [first.id];
  }
  const way = await asker.choose(`There are ${vms.length} VMs.`, [
    { value: 'all', label: 'Export all of them' },
    { value: 'some', label: vms.length > VMS_SHOWN_MAX ? `Choose among the first ${VMS_SHOWN_MAX}` : 'Choose some' },
    ...(o.canBrowse ? [{ value: 'browse', label: 'Look through them in full screen' }] : []),
  ]);
  if (way === 'browse') return 'browse';
  if (way === 'all') return [];
  return asker.chooseSome(
    'Which?',
    vms.slice(0, VMS_SHOWN_MAX).map((vm) => ({ value: vm.id, label: describeVM(vm) })),
  );
}

const describeVM = (vm: VMInfo): string => printable(`${vm.name} (${formatBytes(vm.disks.reduce((sum, disk) => sum + disk.virtualSize, 0))})`);

async function askForTarget(asker: Asker): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const target = resolve(await asker.text('Folder to export to'));
    const about = await statIfThere(target);
    if (about?.isDirectory()) return target;
    asker.say(printable(`${target} is ${about ? 'not a folder' : 'not there'}.`));
  }
  throw new GuideLeft();
}
