import { bashScript } from './bash-script.ts';
import { describeCommands, type CommandWords } from './describe-commands.ts';
import { fishScript } from './fish-script.ts';
import type { Shell } from './shells.ts';
import { zshScript } from './zsh-script.ts';

const WRITERS: Readonly<Record<Shell, (commands: readonly CommandWords[]) => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

export const completionScript = async (shell: Shell): Promise<string> => WRITERS[shell](await describeCommands());
