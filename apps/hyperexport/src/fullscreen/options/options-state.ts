import type { Profile } from '../../profile/read-profiles.ts';
import { textOf, toField, type TextField } from '../widgets/text-field.ts';
import { fromProfile, NO_OPTIONS, optionFields, type FieldId, type OptionField, type OptionValues } from './option-fields.ts';

export interface OptionsState {
  readonly profiles: ReadonlyMap<string, Profile>;
  /** The profile that the values were taken from. */
  readonly profile?: string;
  readonly values: OptionValues;
  /** What the profile says beside the fields. */
  readonly extra: Profile;
  /** The row: the profile, then the fields. */
  readonly cursor: number;
  /** The text of the field under the cursor, where it is typed. */
  readonly typed: TextField;
  /** The name to save as, while it is asked for. */
  readonly saving?: TextField;
  readonly problem?: OptionProblem;
}

/** What holds before anything is chosen. */
export interface Defaults {
  readonly profiles: OptionsState['profiles'];
  /** The profile that the settings are from. */
  readonly profile?: string;
  readonly settings: Profile;
}

export interface OptionProblem {
  /** The field that the sentence is about, where that is known. */
  readonly field?: FieldId;
  readonly text: string;
}

/** Where the profile is chosen. */
export const PROFILE_ROW = 0;

/** Begins where defaults, or what an earlier look at the screen left, end. */
export function openOptions({ profiles, profile, settings }: Defaults): OptionsState {
  const { values, extra } = fromProfile(settings);
  const named = profile === undefined ? {} : { profile };
  return goToRow({ profiles, ...named, values, extra, cursor: PROFILE_ROW, typed: toField('') }, values.to === '' ? 1 : PROFILE_ROW);
}

export const NO_PROFILES: OptionsState = { profiles: new Map(), values: NO_OPTIONS, extra: {}, cursor: 1, typed: toField('') };

export const fieldAt = (cursor: number): OptionField | undefined => optionFields[cursor - 1];
const rowCount = optionFields.length + 1;

/** Another row under the cursor, with its text ready to be changed. */
export function goToRow(options: OptionsState, row: number): OptionsState {
  const cursor = (row + rowCount) % rowCount;
  const field = fieldAt(cursor);
  return { ...options, cursor, typed: toField(field ? options.values[field.id] : '') };
}

export function withValue(options: OptionsState, id: FieldId, value: string): OptionsState {
  const values = { ...options.values, [id]: value };
  // What another format is written as means nothing to this one.
  return { ...options, values: id === 'format' ? { ...values, subformat: '' } : values };
}

export const typedText = ({ typed }: OptionsState): string => textOf(typed);

export function withProfile(options: OptionsState, name: string | undefined): OptionsState {
  const { profile: _before, ...rest } = options;
  const settings = name === undefined ? {} : (options.profiles.get(name) ?? {});
  const { values, extra } = fromProfile(settings);
  // Where an export goes is often not in the profile, and typed already.
  const to = values.to === '' ? options.values.to : values.to;
  return { ...rest, ...(name === undefined ? {} : { profile: name }), values: { ...values, to }, extra };
}
