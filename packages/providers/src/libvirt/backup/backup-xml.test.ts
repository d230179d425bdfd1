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

  test('a description of something else has neither socket nor disks', () => {
    expect(readBackup('<domain/>')).toEqual({ disks: [] });
    expect(parseXml('<domain/>').name).toBe('domain');
  });
});
