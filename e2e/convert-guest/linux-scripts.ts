/** What the guest says once it is up: where its root lies is in it, which tells the machine that it is on. */
export const GREETING = 'tiny-guest login:';

/** The first process. */
export const initScript = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mountpoint -q /dev || mount -t devtmpfs dev /dev
mount -t proc proc /proc
root=$(awk '$2 == "/" && $3 == "ext4" { print $1 }' /proc/mounts)
for console in /dev/ttyS0 /dev/tty0; do echo; echo "root is on $root"; printf '%s ' '${GREETING}' >$console; done
while :; do sleep 3600; done
`;

/** The one question that is asked of the package database from within. */
export const packageQuery = `#!/bin/sh
case "$1" in
--listfiles | -L) exec cat "/var/lib/dpkg/info/$2.list" ;;
*) exit 1 ;;
esac
`;

/** As initramfs-tools' own: makes the initial RAM disk of one kernel, with the drivers of the machine it was installed on and those that its configuration names. */
export const initramfsScript = `#!/bin/sh
set -e
while [ $# -gt 0 ]; do
  case "$1" in
  -k) version=$2; shift ;;
  esac
  shift
done
modules="ata_piix sd_mod $(grep -v '^#' "$ROOT/etc/initramfs-tools/modules" | tr '\\n' ' ')"
work=$ROOT/tmp/initramfs.$$
mkdir -p "$work/bin" "$work/dev" "$work/proc" "$work/root" "$work/lib/modules/$version"
cp "$ROOT/bin/busybox" "$work/bin/busybox"
cp -r "$ROOT/lib/modules/$version/." "$work/lib/modules/$version/"
cat >"$work/init" <<END
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
for module in $modules; do /bin/busybox modprobe \\$module; done
tries=0
while [ \\$tries -lt 40 ]; do
  root=\\$(/bin/busybox findfs UUID=$(cat "$ROOT/etc/root-uuid") 2>/dev/null) && break
  tries=\\$((tries + 1))
  /bin/busybox usleep 100000
done
if [ -z "\\$root" ]; then
  echo "ALERT!  UUID=$(cat "$ROOT/etc/root-uuid") does not exist.  Dropping to a shell!"
  printf '(initramfs) '
  while :; do /bin/busybox sleep 3600; done
fi
/bin/busybox mount -t ext4 \\$root /root
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /sbin/init
END
chmod 755 "$work/init"
(cd "$work" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$ROOT/boot/initrd.img-$version"
rm -r "$work"
`;

/** As GRUB's own: one entry for each kernel. */
export const mkconfigScript = `#!/bin/sh
set -e
[ "$1" = -o ] && output=$2
. "$ROOT/etc/default/grub"
{
  echo "set timeout=$GRUB_TIMEOUT"
  for kernel in "$ROOT"/boot/vmlinuz-*; do
    version=\${kernel##*/vmlinuz-}
    echo "menuentry 'Debian, with Linux $version' {"
    echo "  linux /boot/vmlinuz-$version root=UUID=$(cat "$ROOT/etc/root-uuid") ro $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"
    echo "  initrd /boot/initrd.img-$version"
    echo "}"
  done
} >"$ROOT$output"
`;
