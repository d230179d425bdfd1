import { HyperError } from '@hypersdk/domain';
import { ArgumentScannerError, formatMessageForArgumentScannerError, text_en, type ApplicationText } from '@stricli/core';

/** Wrong usage of a line becomes an error of the table, said in the house's words; errors of a command pass through untouched. */
export const usageTextFor = (line: readonly string[]): ApplicationText => ({
  ...text_en,
  noCommandRegisteredForInput: ({ input, corrections }) => fail(`There is no command "${input}"${didYouMean(corrections.map(unquoted))}`),
  exceptionWhileParsingArguments: (thrown) => fail(describeUsage(thrown, line)),
  exceptionWhileLoadingCommandFunction: rethrow,
  exceptionWhileLoadingCommandContext: rethrow,
  exceptionWhileRunningCommand: rethrow,
  commandErrorResult: rethrow,
});

function describeUsage(thrown: unknown, line: readonly string[]): string {
  if (!(thrown instanceof ArgumentScannerError)) throw thrown;
  return formatMessageForArgumentScannerError(thrown, {
    FlagNotFoundError: (error) => `There is no flag --${error.input}${didYouMean(error.corrections.map((name) => `--${name}`))}`,
    AliasNotFoundError: (error) => `There is no flag -${error.input}.`,
    ArgumentParseError: (error) => `${flagOrArgument(error.externalFlagNameOrPlaceholder)} "${error.input}": ${reason(error.exception)}`,
    EnumValidationError: (error) => `${flagOrArgument(error.externalFlagName)} "${error.input}": it must be one of ${error.values.join(', ')}.`,
    UnsatisfiedFlagError: ({ externalFlagName, nextFlagName }) => {
      const flag = flagOrArgument(externalFlagName);
      return `${flag} is missing${nextFlagName ? ` its value before --${nextFlagName}` : line.at(-1) === flag ? ' its value' : ''}.`;
    },
    UnexpectedPositionalError: (error) => `"${error.input}" is one argument too many (${error.expectedCount} expected).`,
    UnsatisfiedPositionalError: (error) => `${error.placeholder} is missing.`,
    UnexpectedFlagError: (error) => `${flagOrArgument(error.externalFlagName)} is given twice ("${error.previousInput}", "${error.input}").`,
    InvalidNegatedFlagSyntaxError: (error) => `--${error.externalFlagName} takes no value.`,
  });
}

/** Placeholders of arguments are capitals, names of flags are not. */
const flagOrArgument = (name: string): string =>
  /^[A-Z]/.test(name) ? name : `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const reason = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const didYouMean = (corrections: readonly string[]): string => (corrections.length === 0 ? '.' : `; did you mean ${corrections.join(' or ')}?`);

const unquoted = (text: string): string => text.replaceAll('`', '');

function fail(message: string): never {
  throw new HyperError('usage/invalid', message);
}

function rethrow(thrown: unknown): never {
  throw thrown;
}
