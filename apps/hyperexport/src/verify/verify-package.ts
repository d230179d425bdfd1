import { HyperError } from '@hypersdk/domain';
import type { CliContext } from '../cli-context.ts';
import type { VerifyFlags } from '../commands/verify.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { formatFields } from '../output/table.ts';
import type { PackageCheck } from '../services.ts';
import { listenForStop } from '../stop.ts';

export const isPackage = (path: string): boolean => /\.(?:ova|ovf)$/i.test(path);

/** A package of another program has no receipt; what can be proven is that its files are those of its own manifest, and who signed that. */
export async function verifyPackage(cli: CliContext, flags: VerifyFlags, path: string): Promise<void> {
  const services = await cli.services();
  using stop = listenForStop();
  const check = await services.checkPackage(path, { signal: stop.signal });
  if (!check.hasManifest)
    throw new HyperError('package/missing-file', `${path} has no manifest, so that nothing in it can be checked.`, { detail: { path } });
  respond(cli, flags, { document: { ok: true, path, ...check }, text: () => describe(path, check, cli) });
}

function describe(path: string, { checked, signer }: PackageCheck, { terminal }: CliContext): string {
  const about = [
    ['package', path],
    ...checked.map((file) => [printable(file), 'equal'] as const),
    ['signed by', signer === undefined ? 'nobody' : printable(signer.subject)],
    ...(signer === undefined
      ? []
      : [
          ['issued by', printable(signer.issuer)] as const,
          ['valid', `${signer.validFrom} to ${signer.validTo}`] as const,
          ['thumbprint', signer.thumbprint] as const,
        ]),
  ] as const;
  const trust = signer === undefined ? '' : 'note: whether this signer is to be trusted is for you to say; compare the thumbprint.\n';
  return `${formatFields(about)}${trust}${terminal.paint('green', 'Whole')}: every file is what the manifest of the package says.\n`;
}
