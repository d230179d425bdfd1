import type { Command } from '@stricli/core';
import type { CliContext } from './cli-context.ts';

interface CommandEntry {
  /** One line for the list of commands. */
  readonly brief: string;
  /** What follows the name. */
  readonly usage: string;
  load(): Promise<Command<CliContext>>;
}

/** Every command, in the order of the help. A command's file is read only when its name is typed. */
export const commandTable = {
  export: {
    brief: 'Copy the disks of VMs to a folder, prove the copy, sign a receipt',
    usage: 'PATH [VM…] --to DIR [flags]',
    load: async () => (await import('./commands/export.ts')).exportCommand,
  },
  batch: {
    brief: 'Run the exports that a YAML file lists',
    usage: 'FILE [flags]',
    load: async () => (await import('./commands/batch.ts')).batchCommand,
  },
  inspect: {
    brief: 'Show what a disk image is, without trusting it',
    usage: 'IMAGE [flags]',
    load: async () => (await import('./commands/inspect.ts')).inspectCommand,
  },
  convert: {
    brief: 'Write a disk image in another format',
    usage: 'SOURCE TARGET [flags]',
    load: async () => (await import('./commands/convert.ts')).convertCommand,
  },
  verify: {
    brief: 'Prove that an export is still what was read from its source',
    usage: 'FOLDER | MANIFEST | RECEIPT | IMAGE [flags]',
    load: async () => (await import('./commands/verify.ts')).verifyCommand,
  },
  chain: {
    brief: 'List, verify, flatten and prune chains of incremental exports',
    usage: 'ACTION PATH [flags]',
    load: async () => (await import('./commands/chain.ts')).chainCommand,
  },
  boot: {
    brief: 'Boot an export or image in a throw-away QEMU',
    usage: 'FOLDER | MANIFEST | IMAGE [flags]',
    load: async () => (await import('./commands/boot.ts')).bootCommand,
  },
  adapt: {
    brief: 'Make the guest of an export fit for KVM, as an export of its own',
    usage: 'FOLDER [flags]',
    load: async () => (await import('./commands/adapt.ts')).adaptCommand,
  },
  compare: {
    brief: 'Tell whether two images of any formats hold the same disk',
    usage: 'IMAGE IMAGE [flags]',
    load: async () => (await import('./commands/compare.ts')).compareCommand,
  },
  serve: {
    brief: 'Offer a disk image to other programs over NBD',
    usage: 'IMAGE [flags]',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  restore: {
    brief: 'Make the VM of an export at a hypervisor again',
    usage: 'FOLDER CONNECTION [flags]',
    load: async () => (await import('./commands/restore.ts')).restoreCommand,
  },
  residue: {
    brief: 'Show and take away what killed exports left at a hypervisor',
    usage: 'CONNECTION [flags]',
    load: async () => (await import('./commands/residue.ts')).residueCommand,
  },
  resume: {
    brief: 'Go on with a run that was stopped or killed',
    usage: '[ID] [flags]',
    load: async () => (await import('./commands/resume.ts')).resumeCommand,
  },
  list: {
    brief: 'List the VMs of a folder of disk images or of libvirt',
    usage: 'PATH [flags]',
    load: async () => (await import('./commands/list.ts')).listCommand,
  },
  browse: {
    brief: 'Look through VMs in full screen, choose, export, watch',
    usage: '[PATH] [flags]',
    load: async () => (await import('./commands/browse.ts')).browseCommand,
  },
  history: {
    brief: 'Show what was run, newest first',
    usage: '[TEXT…] [flags]',
    load: async () => (await import('./commands/history.ts')).historyCommand,
  },
  profile: {
    brief: 'List or show named defaults from the configuration file',
    usage: '[list | show NAME] [flags]',
    load: async () => (await import('./commands/profile.ts')).profileCommand,
  },
  completion: {
    brief: 'Print the completion script for your shell',
    usage: 'bash | zsh | fish',
    load: async () => (await import('./commands/completion.ts')).completionCommand,
  },
  man: {
    brief: 'Print the manual page',
    usage: '',
    load: async () => (await import('./commands/man.ts')).manCommand,
  },
} as const satisfies Readonly<Record<string, CommandEntry>>;

export type Verb = keyof typeof commandTable;

export const verbs = Object.keys(commandTable).filter(isVerb);

export function isVerb(text: string | undefined): text is Verb {
  return text !== undefined && Object.hasOwn(commandTable, text);
}

/** Commands with choices worth a name: profiles and the environment may make them. */
export const defaultedVerbs = ['export', 'convert'] as const satisfies readonly Verb[];

export const takesDefaults = (word: string | undefined): word is (typeof defaultedVerbs)[number] => defaultedVerbs.some((verb) => verb === word);
