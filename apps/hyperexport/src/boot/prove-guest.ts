import { join, resolve } from 'node:path';
import type { BootController, BootFirmware, BootRecord } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { proveBoot, type BootSubject } from '@hypersdk/usecases';
import { printable } from '../output/printable.ts';
import type { Services } from '../services.ts';
import type { Terminal } from '../terminal.ts';
import { tool } from '../tool.ts';

export interface GuestChoices {
  readonly expect: readonly string[];
  readonly timeLimitMs: number;
  readonly firmware?: BootFirmware;
  readonly controller?: BootController;
  readonly memory?: number;
  readonly unsandboxed: boolean;
  /** Where the evidence goes. */
  readonly folder: string;
}

/** A proof and where its evidence lies, absolute. */
export interface GuestProof {
  readonly record: BootRecord;
  readonly files: readonly string[];
}

export async function proveGuest(
  { services, terminal }: { readonly services: Services; readonly terminal?: Pick<Terminal, 'err'> },
  subject: BootSubject,
  { unsandboxed, folder, ...choices }: GuestChoices & Cancel,
): Promise<GuestProof> {
  const ports = {
    prover: await services.bootProver({ unsandboxed }),
    inspector: services.inspector,
    clock: services.clock,
    evidence: await services.target(folder),
    tool,
  };
  const label = printable(subject.vm ?? subject.name);
  const { record, files } = await proveBoot(ports)(
    { ...subject, ...choices },
    {
      signal: choices.signal,
      onAttempt: ({ firmware, controller, accelerator }) =>
        terminal?.err(`hyperexport: ${label}: starting with ${firmware.toUpperCase()}, ${controller}, ${NAMES[accelerator]}\n`),
    },
  );
  return { record, files: files.map((name) => join(resolve(folder), name)) };
}

export const NAMES = { kvm: 'KVM', tcg: 'emulated' } as const;
