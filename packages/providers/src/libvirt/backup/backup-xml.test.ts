import { parseXml } from '@hypersdk/wire';
import { describe, expect, test } from 'vitest';
import { readBackup, toBackupXml, toCheckpointXml, type BackupPlan } from './backup-xml.ts';

const plan: BackupPlan = {
  socket: '/var/tmp/a&b.sock',
  checkpoint: 'hypersdk-run-1',
  disks: [
    { target: 'vda', scratch: '/var/tmp/vda.scratch', isRecorded: true },
    { target: 'vdb', scratch: '/var/tmp/vdb.scratch', isRecorded: false, since: 'hypersdk-run-0' },
  ],
};

describe('descriptions of backups', () => {
  test('a backup names its socket, and of each disk the scratch file and what it begins at', () => {
    expect(toBackupXml(plan)).toBe(
      '<domainbackup mode="pull"><server transport="unix" socket="/var/tmp/a&amp;b.sock"/><disks>' +
        '<disk name="vda" backup="yes" type="file" backupmode="full"><driver type="qcow2"/><scratch file="/var/tmp/vda.scratch"/></disk>' +
        '<disk name="vdb" backup="yes" type="file" backupmode="incremental" incremental="hypersdk-run-0"><driver type="qcow2"/><scratch file="/var/tmp/vdb.scratch"/></disk>' +
        '</disks></domainbackup>',
    );
  });

  test('a checkpoint records the disks that can be, and there is none where none can', () => {
    expect(toCheckpointXml(plan)).toBe(
      '<domaincheckpoint><name>hypersdk-run-1</name><disks><disk name="vda" checkpoint="bitmap"/></disks></domaincheckpoint>',
    );
    expect(toCheckpointXml({ ...plan, disks: plan.disks.slice(1) })).toBeUndefined();
  });

  test('of a running backup are read the socket and the names by which its disks are exported', () => {
    const text = `<domainbackup mode='pull' id='1'><server transport='unix' socket='/x.sock'/><disks>
      <disk name='vda' backup='yes' type='file' backupmode='incremental' incremental='c' exportname='vda' exportbitmap='backup-vda'/>
      <disk name='vdb' backup='yes' type='file' backupmode='full'/><disk name='vdc' backup='no'/></disks></domainbackup>`;
    expect(readBackup(text)).toEqual({
      socket: '/x.sock',
      disks: [
        { target: 'vda', exportName: 'vda', changes: { since: 'c', bitmap: 'backup-vda' } },
        { target: 'vdb', exportName: 'vdb' },
      ],
    });
  });

  test('a backup at a port names that, and is known by its scratch files again', () => {
    const port = { address: '192.0.2.7', port: 10_809, isTls: true };
    const scratch = '/var/tmp/hypersdk-RUN1-0123456789abcdef-vda.scratch';
    const text = toBackupXml({ socket: '/unused.sock', port, disks: [{ target: 'vda', scratch, isRecorded: true }] });
    expect(text).toContain('<server transport="tcp" tls="yes" name="192.0.2.7" port="10809"/>');
    expect(readBackup(text)).toMatchObject({ socket: '/var/tmp/hypersdk-RUN1-0123456789abcdef.sock', port });
    expect(readBackup(text.replace(' tls="yes"', ''))).toMatchObject({ port: { ...port, isTls: false } });
    // One of somebody else, and one of a server that says what it likes.
    expect(readBackup(text.replaceAll('hypersdk-', 'others-')).socket).toBeUndefined();
    expect(readBackup(text.replace('10809', '99999')).port).toBeUndefined();
  });

  test('a description of something else has neither socket nor disks', () => {
    expect(readBackup('<domain/>')).toEqual({ disks: [] });
    expect(parseXml('<domain/>').name).toBe('domain');
  });
});
