import type { VMInfo } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { describeConsistency } from './describe-consistency.ts';

const vm = (about: Partial<VMInfo>): VMInfo => ({ powerState: 'running', ...about }) as VMInfo;

test.each([
  { what: 'an agent that was asked', about: vm({ guestAgent: 'connected' }), consistency: 'filesystem', text: /file systems are whole/ },
  { what: 'an agent that does not answer', about: vm({ guestAgent: 'silent' }), consistency: 'crash', text: /power cut.*did not answer/ },
  { what: 'no agent', about: vm({}), consistency: 'crash', text: /power cut.*no guest agent/ },
  { what: 'a moment of an earlier run', about: vm({ guestAgent: 'connected' }), consistency: 'crash', text: /power cut would leave it$/ },
] as const)('$what is told of', ({ about, consistency, text }) => {
  expect(describeConsistency({ consistency, vm: about })).toMatch(text);
});

test('of a VM that does not run there is nothing to say', () => {
  expect(describeConsistency({ consistency: 'crash', vm: vm({ powerState: 'stopped' }) })).toBeUndefined();
});
