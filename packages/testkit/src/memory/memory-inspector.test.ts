import { expect, test } from 'vitest';
import { calm, expectRefusal } from '../conformance/expectations.ts';
import { MemoryFiles } from './memory-files.ts';
import { MemoryInspector } from './memory-inspector.ts';

const references = 'refuse';

test('a mark follows the content, and an absent or wrong file is told', async () => {
  const files = new MemoryFiles();
  files.write('/a', Uint8Array.of(1, 0, 2));
  files.write('/bad', Buffer.from('refuse me, please'));
  const inspector = new MemoryInspector(files);
  const image = await inspector.refer('/a', { ...calm, references });
  expect(await inspector.inspect(image, calm)).toMatchObject({ format: 'raw', virtualSize: 3, allocatedSize: 2 });
  expect((await inspector.look(image, calm)).volumes).toMatchObject([{ place: 'disk', size: 3 }]);
  const before = await inspector.mark(image, calm);
  files.write('/a', Uint8Array.of(1, 0, 3));
  expect(await inspector.mark(image, calm)).not.toBe(before);
  await expectRefusal(inspector.refer('/absent', { ...calm, references }), 'source/not-found');
  await expectRefusal(inspector.refer('/bad', { ...calm, references }), 'image/malformed');
  await expectRefusal(inspector.refer('/a', { ...calm, references, format: 'qcow2' }), 'image/format-mismatch');
});
