import type { VMInfo } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { describeConsistency } from './describe-consistency.ts';

const vm = (about: Partial<VMInfo>): VMInfo => ({ powerState: 'running', ...about }) as VMInfo;

test.each([
  ['an agent that was asked', vm({ guestAgent: 'connected' }), 'filesystem', /file systems are whole/],
  ['an agent that does not answer', vm({ guestAgent: 'silent' }), 'crash', /power cut.*did not answer/],
  ['no agent', vm({}), 'crash', /power cut.*no guest agent/],
  ['a moment of an earlier run', vm({ guestAgent: 'connected' }), 'crash', /power cut would leave it$/],
] as const)('%s is told of', (_, about, consistency, text) => {
  expect(describeConsistency({ consistency, vm: about })).toMatch(text);
});

test('of a VM that does not run there is nothing to say', () => {
  expect(describeConsistency({ consistency: 'crash', vm: vm({ powerState: 'stopped' }) })).toBeUndefined();
});
