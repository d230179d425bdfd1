import { checkSettings } from '@hypersdk/disk';
import { imageFormats, MIB } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { parseExportLine } from '../../export/parse-export-line.ts';
import { toExportSettings } from '../../flags/export-format.ts';
import { buildVM } from '../build-state.ts';
import { fromProfile, NO_OPTIONS, optionFields, subformats, toExportLine, toProfile, type OptionValues } from './option-fields.ts';

const lineOf = (values: Partial<OptionValues>): readonly string[] =>
  toExportLine({
    values: { ...NO_OPTIONS, to: '/backup', ...values },
    extra: {},
    sourceFlags: [],
    source: '/vms',
    vms: [buildVM('db')],
    isAll: false,
  });

const choicesOf = (id: keyof OptionValues, values: OptionValues): readonly string[] =>
  optionFields.find((field) => field.id === id)?.choices?.(values) ?? [];

describe('the fields of an export', () => {
  test.each(choicesOf('format', NO_OPTIONS))(
    'format "%s" is one that the command and the engine take, with each subformat that is offered',
    async (format) => {
      for (const subformat of choicesOf('subformat', { ...NO_OPTIONS, format })) {
        const { flags } = await parseExportLine(lineOf({ format, subformat }));
        expect(() => checkSettings(toExportSettings(flags, 'qcow2').settings, 64 * MIB)).not.toThrow();
      }
    },
  );

  test.each(imageFormats.filter((format) => subformats[format]))('no subformat of %s that the engine writes is left out', (format) => {
    expect(() => checkSettings({ format, subformat: 'none of them' }, 64 * MIB)).toThrow(
      new RegExp(`is not one of ${subformats[format]?.join(', ')}\\W*$`),
    );
  });

  test('every choice makes a line that the command takes', async () => {
    const all = {
      compression: 'zstd',
      level: '3',
      verify: '10%',
      'limit-rate': '50M',
      parallel: '4',
      checksums: 'sha256',
      overwrite: 'yes',
    } as const;
    const { flags, names } = await parseExportLine(lineOf(all));
    expect(names).toEqual(['db.raw']);
    expect(flags).toMatchObject({
      to: '/backup',
      compression: { compression: 'zstd', compressionLevel: 3 },
      verify: 10,
      parallel: 4,
      checksums: 'sha256',
      overwrite: true,
    });
  });

  test('come from a profile and go back to it as they were', () => {
    const profile = { to: '/backup', compression: 'zlib:6', overwrite: true, hook: '/bin/true', verify: '10%' };
    const { values, extra } = fromProfile(profile);
    expect(extra).toEqual({ hook: '/bin/true' });
    expect(toProfile(values, extra)).toEqual(profile);
  });
});
