// Clones a VM as a program that works in the given state folder would, and is killed at the given moment: `intend N` when what comes is written down, `sent N` a
// little after it was asked for, `settle N` before the record is taken away.
import { setTimeout as delay } from 'node:timers/promises';
import { LocalFolderTarget } from '@hypersdk/adapters';
import { toVMId } from '@hypersdk/domain';
import type { EffectJournal, Facets } from '@hypersdk/ports';
import { registry } from '@hypersdk/providers';
import { openEffectJournal } from '@hypersdk/usecases';

const [uri = '', source = '', name = '', effectsFolder = '', moment = ''] = process.argv.slice(2);
/** A server has begun by then to do what it was asked for. */
const SENT_MS = 30;
const { signal } = new AbortController();

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('This process was killed.');
};

const journal = openEffectJournal(await LocalFolderTarget.open(effectsFolder));
let [intended, settled] = [0, 0];
const deadly: EffectJournal = {
  async intend(effect, o) {
    await journal.intend(effect, o);
    intended += 1;
    if (moment === `intend ${intended}`) die();
    if (moment === `sent ${intended}`) void delay(SENT_MS).then(die);
  },
  async settle(effect, o) {
    settled += 1;
    if (moment === `settle ${settled}`) die();
    await journal.settle(effect, o);
  },
  keep: (effect, o) => journal.keep(effect, o),
  list: (o) => journal.list(o),
};
const work = { run: 'DIES1', effects: deadly, isRunning: () => false, takeOver: () => {} };
await using session = await registry.libvirt.open(registry.libvirt.parse({ uri }), { signal, work });
const { clone }: Partial<Facets> = session.facets;
await clone?.run(toVMId(source), { name, disks: 'copied' }, { signal });
