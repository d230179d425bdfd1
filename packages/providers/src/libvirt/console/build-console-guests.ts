import { randomInt } from 'node:crypto';
import { toVMId, type VMId } from '@hypersdk/domain';
import { defineGuest } from '../build-guest.ts';
import type { Libvirtd } from '../build-libvirtd.ts';
import { knock } from './build-rfb-viewer.ts';

const SERIAL = `<serial type='pty'/>`;
const LISTEN = `<listen type='address' address='127.0.0.1'/>`;
export const CONSOLES = {
  talking: `${SERIAL}<video><model type='vga'/></video><graphics type='vnc' autoport='yes' passwd='nobody'>${LISTEN}</graphics>`,
  unguarded: `${SERIAL}<video><model type='vga'/></video><graphics type='vnc' autoport='yes'>${LISTEN}</graphics>`,
  spice: `<video><model type='qxl'/></video><graphics type='spice' autoport='yes' passwd='nobody'>${LISTEN}</graphics>`,
  bare: '',
} as const;
/** A hundred ports of its own for the screens of a daemon: two that look for a free one in the same place at the same time both find it. */
export function screenPorts(): string {
  const first = 12_000 + 100 * randomInt(200);
  return `remote_display_port_min = ${first}\nremote_display_port_max = ${first + 99}\n`;
}

/** The machine that runs the tests may be busy. */
const PATIENCE_MS = 60_000;

/** Guests to look at, as a contract wants them, whose names end alike. */
export async function defineConsoleGuests(daemon: Libvirtd, suffix: string) {
  const define = async (kind: keyof typeof CONSOLES): Promise<VMId> =>
    toVMId(await defineGuest(daemon, { name: `${kind}-${suffix}`, kind: 'talking', devices: CONSOLES[kind] }));
  return {
    names: [`talking-${suffix}`, `bare-${suffix}`, `unguarded-${suffix}`],
    subject: {
      talking: await define('talking'),
      bare: await define('bare'),
      unguarded: await define('unguarded'),
      patienceMs: PATIENCE_MS,
      knock,
    },
  };
}
