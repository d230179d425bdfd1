import type { ContentDigest, Sha256 } from './digest.ts';
import type { Consistency, FileEncryption, ImagePart } from './export-manifest.ts';
import type { ImageFormat } from './image.ts';

export interface VerificationResult {
  /** `full` reads every leaf back from the target; `sample` reads `percent` of them, chosen by the root. */
  readonly mode: 'full' | 'sample';
  readonly percent: number;
  readonly leavesChecked: number;
  readonly result: 'equal';
}

/** What is signed: proof that what was read from the source is what lies at the target. Canonical JSON (RFC 8785), Ed25519. */
export interface ReceiptBody {
  readonly kind: 'hypersdk.receipt';
  readonly version: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly source: {
    readonly provider: string;
    readonly connection: string;
    readonly vm: string;
    readonly disk: string;
    readonly mark: string;
    readonly consistency: Consistency;
  };
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly content: ContentDigest;
  readonly container: {
    readonly file: string;
    readonly format: ImageFormat;
    readonly encryption?: FileEncryption;
    readonly size: number;
    readonly digest: Sha256;
    readonly parts?: readonly ImagePart[];
  };
  /** The container holds only what differs from this disk. */
  readonly parent?: { readonly root: Sha256; readonly containerDigest: Sha256 };
  readonly verification: VerificationResult;
}

export interface Receipt {
  readonly body: ReceiptBody;
  readonly signature: {
    readonly algorithm: 'Ed25519';
    /** SHA-256 of the public key's SubjectPublicKeyInfo, hexadecimal. */
    readonly keyId: string;
    /** Base64 of the 64 signature bytes over the canonical JSON of `body`. */
    readonly value: string;
  };
}
