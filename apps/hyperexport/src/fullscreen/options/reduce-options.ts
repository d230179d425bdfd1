import type { Key } from '../widgets/key.ts';
import { editField, textOf, toField } from '../widgets/text-field.ts';
import { fieldAt, goToRow, PROFILE_ROW, typedText, withProfile, withValue, type OptionsState } from './options-state.ts';

/** What a key asks of the rest: look whether the choices fit, plan with them, keep them as a profile, go back. */
export type OptionsWish = 'check' | 'plan' | 'save' | 'back' | undefined;

type Turn = readonly [OptionsState, OptionsWish];

/** The choices after a key. */
export function reduceOptions(options: OptionsState, key: Key): Turn {
  if (options.saving) return nameProfile(options, key);
  switch (key.id) {
    case 'escape':
      return [options, 'back'];
    case 'enter':
      return [options, 'plan'];
    case 'ctrl+s':
      return [{ ...options, saving: toField(options.profile ?? '') }, undefined];
    case 'up':
    case 'backtab':
      return [goToRow(options, options.cursor - 1), undefined];
    case 'down':
    case 'tab':
      return [goToRow(options, options.cursor + 1), undefined];
    default:
      return change(options, key);
  }
}

/** Which way a key goes through choices. */
const STEPS: Readonly<Record<string, number>> = { right: 1, ' ': 1, left: -1 };

function change(options: OptionsState, key: Key): Turn {
  const step = STEPS[key.id] ?? 0;
  if (options.cursor === PROFILE_ROW) {
    if (step === 0) return [options, undefined];
    const names = [undefined, ...options.profiles.keys()];
    return [withProfile(options, cycle(names, options.profile, step)), 'check'];
  }
  const field = fieldAt(options.cursor);
  if (!field) return [options, undefined];
  const choices = field.choices?.(options.values);
  if (choices)
    return step === 0 ? [options, undefined] : [withValue(options, field.id, cycle(choices, options.values[field.id], step) ?? ''), 'check'];
  const typed = editField(options.typed, key);
  if (!typed) return [options, undefined];
  const next = { ...options, typed };
  return [withValue(next, field.id, typedText(next)), 'check'];
}

function nameProfile(options: OptionsState, key: Key): Turn {
  const { saving, ...rest } = options;
  if (!saving || key.id === 'escape') return [rest, undefined];
  if (key.id === 'enter') return textOf(saving).trim() === '' ? [rest, undefined] : [options, 'save'];
  return [{ ...options, saving: editField(saving, key) ?? saving }, undefined];
}

function cycle<Item>(items: readonly Item[], item: Item, step: number): Item | undefined {
  return items[(items.indexOf(item) + step + items.length) % items.length];
}
