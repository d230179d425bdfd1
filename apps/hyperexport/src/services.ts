import type {
  Archiver,
  BootProver,
  Cancel,
  Clock,
  DiskServer,
  EffectJournal,
  ExportFiller,
  GuestConverter,
  History,
  Ids,
  ImageInspector,
  ImageSettings,
  Registry,
  RemoteDisks,
  Signer,
  StorageTarget,
  Transfer,
  WebImages,
} from '@hypersdk/ports';
import type { RunMarks } from './run-marks.ts';

/** What the commands work with. Everything opened on the way is closed with it. */
export interface Services extends AsyncDisposable {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly inspector: ImageInspector;
  /** Fails as a copy would when a disk of this size cannot be written with these settings. */
  checkSettings(settings: ImageSettings, virtualSize: number): void;
  readonly archiver: Archiver;
  readonly remotes: RemoteDisks;
  readonly webImages: WebImages;
  readonly diskServer: DiskServer;
  readonly runs: RunMarks;
  registry(): Promise<Registry>;
  /** Makes the state folder on first use. */
  history(): Promise<History>;
  /** What was made at sources and is not undone yet. Makes its folder on first use. */
  effects(): Promise<EffectJournal>;
  /** Threads start on first use; the first caller's wish for their number holds. */
  transfer(o: { readonly workers?: number | undefined }): Transfer & ExportFiller;
  /** Makes the key on first use. */
  signer(): Promise<Signer>;
  /** Where whoever verifies elsewhere finds the public key. */
  readonly publicKeyPath: string;
  /** Folder for the keys of encrypted copies that are not finished. */
  readonly copyKeys: string;
  /** This machine's key for checking, if it ever signed anything. */
  ownKey(): Promise<OwnKey | undefined>;
  /** Holds an OVA or OVF package against its own manifest and signature; fails as the provider's check does. */
  checkPackage(path: string, o: Cancel & { readonly onProgress?: (file: string) => void }): Promise<PackageCheck>;
  target(folder: string): Promise<StorageTarget>;
  /** Looked for on first use; the first caller's wish for a sandbox holds. */
  bootProver(o: { readonly unsandboxed: boolean }): Promise<BootProver>;
  /** Looked for as the prover is. */
  guestConverter(o: { readonly unsandboxed: boolean }): Promise<GuestConverter>;
}

/** What a package's own manifest vouches for, and who signed it. */
export interface PackageCheck {
  readonly hasManifest: boolean;
  readonly checked: readonly string[];
  readonly signer?: Readonly<Record<'subject' | 'issuer' | 'validFrom' | 'validTo' | 'thumbprint', string>>;
}

export type OwnKey = Pick<Signer, 'keyId' | 'publicKey'>;
