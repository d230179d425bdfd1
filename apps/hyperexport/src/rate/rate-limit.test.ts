import { describe, expect, test } from 'vitest';
import { parseRateLimit, rateAt } from './rate-limit.ts';

const MIB = 1024 * 1024;
const at = (text: string, time: string): number | undefined => {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return rateAt(parseRateLimit(text), hour * 60 + minute);
};

describe('a limit of the rate', () => {
  test('without times holds all day', () => {
    expect([at('50M', '00:00'), at('50M', '23:59')]).toEqual([50 * MIB, 50 * MIB]);
    expect(at('none', '12:00')).toBeUndefined();
  });

  test('changes at the minute that it names', () => {
    const office = '08:00-18:00=50M,*=500M';
    expect(['07:59', '08:00', '17:59', '18:00'].map((time) => at(office, time))).toEqual([500 * MIB, 50 * MIB, 50 * MIB, 500 * MIB]);
  });

  test('goes past midnight', () => {
    expect(['21:59', '22:00', '00:00', '05:59', '06:00'].map((time) => at('22:00-06:00=1M,*=2M', time))).toEqual(
      [2, 1, 1, 1, 2].map((rate) => rate * MIB),
    );
    expect(['17:59', '18:00', '23:59', '00:00'].map((time) => at('18:00-24:00=1M,*=2M', time))).toEqual([2, 1, 1, 2].map((rate) => rate * MIB));
  });

  test('is none outside the windows when no rest is named, and the first window that fits counts', () => {
    expect(at('08:00-18:00=50M', '20:00')).toBeUndefined();
    expect(at('12:00-13:00=none,08:00-18:00=50M,*=1M', '12:30')).toBeUndefined();
    expect(at('12:00-13:00=2M,08:00-18:00=50M', '12:30')).toBe(2 * MIB);
  });

  test('has one text for every way to say it', () => {
    expect(parseRateLimit('1M').text).toBe('1048576');
    const limit = parseRateLimit(' 8:00-18:00=1M , *=none');
    expect(limit.text).toBe('08:00-18:00=1048576,*=none');
    expect(parseRateLimit(limit.text)).toEqual(limit);
  });

  test.each([
    ['fast', 'a size such as'],
    ['0', 'a size such as'],
    ['08:00-18:00=', 'a size such as'],
    ['8-18=50M', 'a time of day'],
    ['08:00-25:00=50M', 'a time of day'],
    ['08:60-18:00=50M', 'a time of day'],
    ['24:00-18:00=50M', 'a time of day'],
    ['*=1M,*=2M', 'given twice'],
    ['08:00-18:00=50M=1', 'more than one'],
    [Array.from({ length: 60 }, () => '01:00-02:00=1M').join(','), 'more than 48'],
  ])('%j is refused', (text, why) => {
    expect(() => parseRateLimit(text)).toThrow(why);
  });
});
