/**
 * Every error a user can meet: its HTTP status, its exit code (sysexits.h where one fits), whether trying again can help, and how to mend it. One line each.
 * `retry`: `never` = only a changed request helps, `later` = the surroundings must change first, `now` = the same request may simply succeed.
 */
export const errorTable = {
  'usage/invalid': { status: 400, exit: 64, retry: 'never', mend: 'See --help for the accepted values and examples.' },
  'image/malformed': { status: 422, exit: 65, retry: 'never', mend: 'Check the file with the program that made it; it may be cut short or damaged.' },
  'image/unsupported': { status: 422, exit: 65, retry: 'never', mend: 'Convert the image with the program that made it to a plain variant first.' },
  'image/too-large': { status: 422, exit: 65, retry: 'never', mend: 'Raise the limit named in the message if you trust the file.' },
  'image/refused-reference': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'If you trust the image, allow files beside it with --follow-references, or name them with --parent.',
  },
  'image/encrypted': { status: 422, exit: 65, retry: 'never', mend: 'Decrypt the image with the program that made it first.' },
  'encryption/locked': {
    status: 422,
    exit: 77,
    retry: 'never',
    mend: 'Give what opens it: --identity FILE for a recipient, --passphrase-file FILE for a passphrase.',
  },
  'encryption/wrong-key': {
    status: 422,
    exit: 77,
    retry: 'never',
    mend: 'Give the identity of one of its recipients, or the passphrase it was encrypted with.',
  },
  'encryption/malformed': { status: 422, exit: 65, retry: 'never', mend: 'Check that age itself opens the file; it may be cut short or damaged.' },
  'encryption/damaged': { status: 422, exit: 65, retry: 'never', mend: 'Restore the file from another copy: what is damaged cannot be decrypted.' },
  'encryption/key-not-kept': {
    status: 503,
    exit: 73,
    retry: 'later',
    mend: 'Make room in your state folder, or name another one with XDG_STATE_HOME; nothing was copied.',
  },
  'image/format-mismatch': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Name the true format with --source-format, or leave it out to have it detected.',
  },
  'document/malformed': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Check the document with the program that made it; it may be cut short or damaged.',
  },
  'manifest/malformed': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'The manifest was changed or cut short; export again or restore it from a copy.',
  },
  'receipt/untrusted': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Verify with the public key of the exporter that signed it: --public-key FILE.',
  },
  'receipt/malformed': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'The receipt was changed or cut short; restore it from a copy, or export again.',
  },
  'signer/unusable-key': {
    status: 500,
    exit: 78,
    retry: 'never',
    mend: 'Make the key file yours alone (chmod 600 FILE), or move it away so that a new key is made.',
  },
  'verify/mismatch': { status: 409, exit: 1, retry: 'never', mend: 'Do not use this copy; export the disk again from its source.' },
  'compare/different': { status: 409, exit: 1, retry: 'never', mend: 'The images differ from the offset named on.' },
  'vm/not-found': { status: 404, exit: 66, retry: 'never', mend: 'List the VMs of the connection: hyperexport list.' },
  'run/not-found': { status: 404, exit: 66, retry: 'never', mend: 'See which runs there were: hyperexport history.' },
  'profile/not-found': { status: 404, exit: 66, retry: 'never', mend: 'See which profiles there are: hyperexport profile list.' },
  'libvirt/unreachable': {
    status: 502,
    exit: 69,
    retry: 'later',
    mend: 'Check the address, and that the daemon runs: systemctl start libvirtd (or virtqemud) on that machine.',
  },
  'libvirt/forbidden': {
    status: 403,
    exit: 77,
    retry: 'later',
    mend: 'Run it as a user whom libvirt lets in (for qemu:///system the group libvirt, for SSH a key that the other machine knows).',
  },
  'libvirt/unknown-host': {
    status: 502,
    exit: 77,
    retry: 'never',
    mend: 'Compare the key of that machine with one you trust, and connect once with ssh so that it is remembered.',
  },
  'libvirt/tls-failed': {
    status: 502,
    exit: 77,
    retry: 'never',
    mend: 'Check the certificates of both sides (cacert.pem, clientcert.pem, clientkey.pem in the folder named by pkipath) and the name in the address.',
  },
  'libvirt/plaintext-refused': {
    status: 403,
    exit: 77,
    retry: 'never',
    mend: 'Use qemu+ssh:// or qemu+tls://, or allow it with --allow-plaintext on a network you trust.',
  },
  'libvirt/unsupported': { status: 502, exit: 76, retry: 'never', mend: 'Use a newer libvirt, or do without what the message names.' },
  'libvirt/malformed-reply': { status: 502, exit: 76, retry: 'never', mend: 'Check the address: what answers there breaks the protocol of libvirt.' },
  'libvirt/timeout': { status: 504, exit: 75, retry: 'now', mend: 'Check the daemon and the network, then run the command again.' },
  'libvirt/lost': { status: 502, exit: 75, retry: 'now', mend: 'Check the daemon and the network, then run the command again.' },
  'libvirt/failed': { status: 502, exit: 69, retry: 'later', mend: 'Look into the log of libvirt on that machine for what its message means.' },
  'vm/exists': { status: 409, exit: 73, retry: 'never', mend: 'Choose another name with --name, or remove the VM that is there first.' },
  'storage-pool/not-found': {
    status: 404,
    exit: 66,
    retry: 'never',
    mend: 'Name a pool that is there with --pool (virsh pool-list --all shows them), or make one first.',
  },
  'storage-pool/unfit': { status: 409, exit: 75, retry: 'later', mend: 'Name another pool with --pool, one of files that runs (virsh pool-start).' },
  'storage-pool/full': {
    status: 507,
    exit: 75,
    retry: 'later',
    mend: 'Make room in the pool, or name another one with --pool; nothing is left of this attempt.',
  },
  'network/not-found': {
    status: 404,
    exit: 66,
    retry: 'never',
    mend: 'Name a network that is there (virsh net-list --all shows them), or restore without connection: --network none.',
  },
  'vm/wrong-state': { status: 409, exit: 75, retry: 'later', mend: 'Bring the VM into the state that the message names first.' },
  'vm/busy': { status: 409, exit: 75, retry: 'later', mend: 'Wait until the other job of this VM has ended, then try again.' },
  'vm/agent-absent': {
    status: 409,
    exit: 75,
    retry: 'later',
    mend: 'Install and start the guest agent in the VM, or do without what needs it.',
  },
  'vm/not-stopped': {
    status: 504,
    exit: 75,
    retry: 'later',
    mend: 'Look at what the guest waits for; give it more time, or have it switched off when it does not obey.',
  },
  'snapshot/not-found': { status: 404, exit: 66, retry: 'never', mend: 'List the snapshots of the VM.' },
  'snapshot/exists': { status: 409, exit: 73, retry: 'never', mend: 'Choose another name for the snapshot.' },
  'source/not-found': { status: 404, exit: 66, retry: 'never', mend: 'Check the path and its spelling.' },
  'source/not-a-file': {
    status: 422,
    exit: 66,
    retry: 'never',
    mend: 'Name a disk image; hyperexport list shows the images of a folder.',
  },
  'source/forbidden': { status: 403, exit: 77, retry: 'later', mend: 'Run it as a user who may read this path, or change its permissions.' },
  'source/changed': {
    status: 409,
    exit: 75,
    retry: 'later',
    mend: 'Stop writing to the source (shut the VM down or use a snapshot), then run the command again.',
  },
  'source/unreadable': {
    status: 502,
    exit: 74,
    retry: 'later',
    mend: 'Check the medium of the source, and its connection; a copy that was begun is kept and goes on where it stopped.',
  },
  'source/scratch-full': {
    status: 507,
    exit: 75,
    retry: 'later',
    mend: 'Make room there, or name another folder with --scratch, then run the same command.',
  },
  'archive/not-tar': { status: 422, exit: 65, retry: 'never', mend: 'An OVA is a tar file; check it with the program that made it.' },
  'archive/cut-short': { status: 422, exit: 65, retry: 'never', mend: 'The file is incomplete; copy or download it again.' },
  'archive/wrong-checksum': { status: 422, exit: 65, retry: 'never', mend: 'The file is damaged; copy or download it again.' },
  'archive/malformed-number': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Do not trust this file; make the OVA again with the program that made it.',
  },
  'archive/malformed-extension': { status: 422, exit: 65, retry: 'never', mend: 'Make the OVA again as a plain tar file: tar --format=ustar -cf.' },
  'archive/unsafe-name': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this file: names in an OVA are plain file names.' },
  'archive/unsafe-member': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this file: an OVA holds regular files and nothing else.' },
  'archive/duplicate-name': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this file: programs differ in which of the two they read.' },
  'archive/too-many-members': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this file: no VM comes in that many files.' },
  'archive/too-large': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Do not trust this file: what it says of a file is larger than anything honest.',
  },
  'archive/trailing-bytes': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Do not trust this file, or cut off what follows the end of the archive.',
  },
  'archive/not-an-ova': { status: 422, exit: 65, retry: 'never', mend: 'An OVA begins with its .ovf descriptor; pack it in that order.' },
  'ovf/not-an-envelope': { status: 422, exit: 65, retry: 'never', mend: 'Name the .ovf descriptor of a VM, or its .ova.' },
  'ovf/no-vm': { status: 422, exit: 65, retry: 'never', mend: 'Export the VM again with the program that made the package.' },
  'ovf/several-vms': { status: 422, exit: 65, retry: 'never', mend: 'Export each VM to a package of its own with the program that made it.' },
  'ovf/duplicate-id': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this package: programs differ in which of the two they read.' },
  'ovf/unsafe-reference': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this package: its files have to lie beside its descriptor.' },
  'ovf/unknown-reference': { status: 422, exit: 65, retry: 'never', mend: 'The descriptor is damaged or incomplete; export the VM again.' },
  'ovf/malformed-number': { status: 422, exit: 65, retry: 'never', mend: 'The descriptor is damaged; export the VM again.' },
  'ovf/unsupported-disk': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Export the VM again as streamOptimized VMDK without further compression, or unpack the disk (gunzip) and take the attribute out of the .ovf.',
  },
  'ovf/too-many': { status: 422, exit: 65, retry: 'never', mend: 'Do not trust this package: no VM is made of that much.' },
  'package/missing-file': { status: 404, exit: 66, retry: 'never', mend: 'Copy the whole package: every file that its .mf names.' },
  'package/mismatch': {
    status: 409,
    exit: 1,
    retry: 'never',
    mend: 'Copy or download the package again. If you trust it as it is, convert its disks one by one: hyperexport convert VM.ova/DISK TARGET.',
  },
  'package/malformed-manifest': { status: 422, exit: 65, retry: 'never', mend: 'The .mf is damaged; copy or download the package again.' },
  'package/malformed-certificate': { status: 422, exit: 65, retry: 'never', mend: 'The .cert is damaged; copy or download the package again.' },
  'package/untrusted': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'The package was changed after it was signed; get it again from whoever signed it.',
  },
  'http/unreachable': { status: 502, exit: 69, retry: 'later', mend: 'Check the address, and that the server runs and lets this machine in.' },
  'http/refused': { status: 502, exit: 69, retry: 'later', mend: 'Check the address, and what the server wants with it.' },
  'http/busy': { status: 503, exit: 75, retry: 'now', mend: 'Wait, then run the command again; what was begun goes on where it stopped.' },
  'http/no-ranges': { status: 502, exit: 76, retry: 'never', mend: 'Download the file first (curl -O URL), then read it from there.' },
  'http/no-validator': { status: 502, exit: 76, retry: 'never', mend: 'Download the file first (curl -O URL), then read it from there.' },
  'http/redirect-refused': { status: 502, exit: 77, retry: 'never', mend: 'If you trust where it leads, name that address itself.' },
  'http/tls-failed': {
    status: 502,
    exit: 77,
    retry: 'never',
    mend: 'Check the name in the address; name the authority of your own servers with --ca FILE.',
  },
  'http/malformed-reply': {
    status: 502,
    exit: 76,
    retry: 'never',
    mend: 'The server, or a proxy between, breaks the protocol; download the file another way.',
  },
  'http/timeout': { status: 504, exit: 75, retry: 'now', mend: 'Check the server and the network; what was begun goes on where it stopped.' },
  'http/lost': { status: 502, exit: 75, retry: 'now', mend: 'Check the server and the network; what was begun goes on where it stopped.' },
  'nbd/unreachable': {
    status: 502,
    exit: 69,
    retry: 'later',
    mend: 'Check the spelling of the address and its port (10809 where none is given), that the server runs, and that no firewall is between.',
  },
  'nbd/not-a-server': {
    status: 502,
    exit: 76,
    retry: 'never',
    mend: 'Check the address: what answers there does not speak the NBD protocol of today.',
  },
  'nbd/no-export': { status: 404, exit: 66, retry: 'never', mend: 'Check the name of the export; nbdinfo --list shows what a server offers.' },
  'nbd/refused': { status: 403, exit: 77, retry: 'later', mend: 'Ask whoever runs the server for what it says is missing.' },
  'nbd/plaintext-refused': {
    status: 403,
    exit: 77,
    retry: 'never',
    mend: 'Use nbds:// (TLS), or allow it with --allow-plaintext on a network you trust.',
  },
  'nbd/tls-failed': {
    status: 502,
    exit: 77,
    retry: 'never',
    mend: 'Check the certificates or the key of both sides, and the name of the server in them.',
  },
  'nbd/unsupported': { status: 502, exit: 76, retry: 'never', mend: 'Use a server that can do what the message names.' },
  'nbd/malformed-option': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/option-flood': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/unsolicited': { status: 502, exit: 76, retry: 'never', mend: 'The server, or somebody between, sends what was not asked for; trust neither.' },
  'nbd/malformed-export': { status: 502, exit: 76, retry: 'never', mend: 'The server describes a disk that cannot be; look at its configuration.' },
  'nbd/malformed-reply': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/unknown-cookie': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/wrong-length': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/outside-request': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/overlapping-chunks': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/incomplete-reply': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/malformed-map': { status: 502, exit: 76, retry: 'never', mend: 'The server breaks the protocol; read the disk another way.' },
  'nbd/timeout': { status: 504, exit: 75, retry: 'now', mend: 'Check the server and the network; what was begun goes on where it stopped.' },
  'nbd/lost': { status: 502, exit: 75, retry: 'now', mend: 'Check the server and the network; what was begun goes on where it stopped.' },
  'target/exists': { status: 409, exit: 73, retry: 'never', mend: 'Choose another name, or allow replacing it with --overwrite.' },
  'target/busy': { status: 409, exit: 75, retry: 'later', mend: 'Another process is writing this target; wait for it to end.' },
  'target/full': { status: 507, exit: 75, retry: 'later', mend: 'Make room on the target, then run the same command: it goes on where it stopped.' },
  'target/read-only': { status: 403, exit: 77, retry: 'later', mend: 'Choose a folder you may write to.' },
  'target/unwritable': {
    status: 500,
    exit: 74,
    retry: 'later',
    mend: 'Check the medium of the target; the copy is kept and goes on from its last checkpoint.',
  },
  'target/unreadable': {
    status: 500,
    exit: 74,
    retry: 'later',
    mend: 'Check the medium and the permissions of the target; what is there is kept, and the copy goes on from its last checkpoint.',
  },
  'target/unsafe-path': {
    status: 403,
    exit: 77,
    retry: 'never',
    mend: 'Remove the symbolic link from the target folder, or name the folder that it points to as the target.',
  },
  'target/not-found': { status: 404, exit: 73, retry: 'never', mend: 'Make the folder first, or check its spelling.' },
  'chain/broken': {
    status: 409,
    exit: 1,
    retry: 'never',
    mend: 'What lies above the broken link cannot be restored from this chain; export the VM in full again (without --incremental).',
  },
  'chain/parent-changed': {
    status: 409,
    exit: 75,
    retry: 'later',
    mend: 'See what writes to the target, and verify the export that is named; the next export without --incremental is whole again.',
  },
  'chain/no-parent': {
    status: 409,
    exit: 75,
    retry: 'never',
    mend: 'Export the VM in full first, or leave out --no-full.',
  },
  'chain/in-use': {
    status: 409,
    exit: 75,
    retry: 'never',
    mend: 'Bring back what was pruned (hyperexport chain restore) and prune again; what is still needed stays then.',
  },
  'batch/malformed': {
    status: 422,
    exit: 65,
    retry: 'never',
    mend: 'Mend the field that is named; docs/formats/batch-manifest.md and the schema beside it say what a batch may hold.',
  },
  'batch/refused': {
    status: 409,
    exit: 75,
    retry: 'later',
    mend: 'Nothing was begun. Mend what the plan names, or let the other items run with --on-error continue.',
  },
  'checkpoint/malformed': { status: 409, exit: 65, retry: 'never', mend: 'Run the command again with --restart to begin this disk anew.' },
  'transfer/cancelled': { status: 409, exit: 130, retry: 'now', mend: 'Run the same command again: it goes on where it stopped.' },
  'boot/failed': { status: 409, exit: 1, retry: 'never', mend: 'Look at the screenshot and the log that are named; compare with the source.' },
  'boot/unclear': { status: 504, exit: 75, retry: 'later', mend: 'Give it more time with --time-limit, or name a text to wait for with --expect.' },
  'boot/unavailable': { status: 503, exit: 69, retry: 'later', mend: 'Install what the message names; then run the command again.' },
  'convert/unavailable': { status: 503, exit: 69, retry: 'later', mend: 'Install what the message names; then run the command again.' },
  'convert/failed': {
    status: 422,
    exit: 1,
    retry: 'never',
    mend: 'See what virt-v2v says, and virt-v2v-support(1) for the guests that it converts; the original is as it was.',
  },
  'internal/unexpected': { status: 500, exit: 70, retry: 'never', mend: 'This is a defect in HyperSDK; please report it with the message.' },
} as const satisfies Readonly<
  Record<string, { readonly status: number; readonly exit: number; readonly retry: 'never' | 'later' | 'now'; readonly mend: string }>
>;

export type ErrorCode = keyof typeof errorTable;

/** `message` is safe to show to anyone; `detail` is for the log and for `--json`. */
export class HyperError extends Error {
  readonly code: ErrorCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { readonly detail?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'HyperError';
    this.code = code;
    this.detail = options.detail ?? {};
  }

  get retry(): 'never' | 'later' | 'now' {
    return errorTable[this.code].retry;
  }

  get mend(): string {
    return errorTable[this.code].mend;
  }
}
