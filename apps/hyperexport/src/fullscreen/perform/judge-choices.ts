import { HyperError, type VMInfo } from '@hypersdk/domain';
import { checkChoice, checkSizes } from '../../export/check-choice.ts';
import { parseExportLine } from '../../export/parse-export-line.ts';
import { toHyperError } from '../../output/error-report.ts';
import type { Services } from '../../services.ts';
import { statIfThere } from '../../stat-if-there.ts';
import { optionFields, type FieldId } from '../options/option-fields.ts';
import type { OptionProblem } from '../options/options-state.ts';

/** What would stop an export of these VMs, as far as it can be told without reading anything: in the words that the command itself would use. */
export async function judgeChoices(
  services: Pick<Services, 'checkSettings'>,
  { line, vms }: { readonly line: readonly string[]; readonly vms: readonly VMInfo[] },
): Promise<OptionProblem | undefined> {
  try {
    const { flags } = await parseExportLine(line);
    checkChoice(vms, flags);
    checkSizes(services, vms, flags);
    await checkTarget(flags.to);
    return undefined;
  } catch (thrown) {
    const { message } = toHyperError(thrown);
    const field = fieldOf(message);
    return { text: message, ...(field === undefined ? {} : { field }) };
  }
}

async function checkTarget(folder: string): Promise<void> {
  const about = await statIfThere(folder);
  if (about?.isDirectory()) return;
  throw new HyperError('usage/invalid', `--to: ${folder} is ${about ? 'not a folder' : 'not there'}.`);
}

/** Messages of the command line begin with the flag that they are about; those of formats name what they do not know. */
function fieldOf(message: string): FieldId | undefined {
  const flag = /--([a-z-]+)/.exec(message)?.[1];
  return optionFields.find(({ id }) => id === flag)?.id ?? optionFields.find(({ id }) => id !== 'to' && message.toLowerCase().includes(id))?.id;
}
