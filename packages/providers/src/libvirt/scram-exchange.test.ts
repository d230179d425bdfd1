import { HyperError } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { ScramExchange } from './scram-exchange.ts';

// RFC 7677 §3.
const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const CHALLENGE = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
const PROOF = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
const SIGNATURE = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

const begin = (password = 'pencil'): ScramExchange => new ScramExchange('user', password, NONCE);

test('the exchange of the specification', () => {
  const exchange = begin();
  expect(exchange.first()).toBe(`n,,n=user,r=${NONCE}`);
  expect(exchange.answer(CHALLENGE)).toBe(PROOF);
  expect(() => exchange.verify(SIGNATURE)).not.toThrow();
});

test('a server that does not know the password is noticed', () => {
  const exchange = begin('pencils');
  exchange.answer(CHALLENGE);
  expect(() => exchange.verify(SIGNATURE)).toThrow(HyperError);
  expect(() => begin().verify(SIGNATURE)).toThrow(/does not know the password/);
});

test.each([
  ['the nonce of somebody else', CHALLENGE.replace('r=rOpr', 'r=rOps')],
  ['nothing of its own in the nonce', CHALLENGE.replace('%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', '')],
  ['no salt', CHALLENGE.replace('W22ZaJ0SNY7soEsUEjb6gQ==', '')],
  ['too few rounds', CHALLENGE.replace('i=4096', 'i=1')],
  ['rounds without end', CHALLENGE.replace('i=4096', 'i=99999999999')],
  ['nothing at all', ''],
])('a server with %s is not answered', (_, challenge) => {
  expect(() => begin().answer(challenge)).toThrow(/broken off/);
});

test('a name with commas and equal signs stays one field', () => {
  expect(new ScramExchange('a=b,c', '', NONCE).first()).toBe(`n,,n=a=3Db=2Cc,r=${NONCE}`);
});
