import type { Clock, CopyProgress, ExportableDisk } from '@hypersdk/ports';
import type { DiskProgress, ExportProgress } from './export-types.ts';

/** Ten times a second, as `Watch` promises, whatever the number of disks. */
const REPORT_INTERVAL_MS = 100;

/** Gathers the progress of all disks into one report. A change of state or stage is always told. */
export class ProgressBoard {
  readonly #clock: Clock;
  readonly #report: (progress: ExportProgress) => void;
  readonly #disks: DiskProgress[];
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(disks: readonly ExportableDisk[], clock: Clock, report: (progress: ExportProgress) => void) {
    this.#clock = clock;
    this.#report = report;
    this.#disks = disks.map(({ disk }) => ({ id: disk.id, label: disk.label, state: 'waiting' }));
  }

  update(index: number, state: DiskProgress['state'], progress?: CopyProgress): void {
    const before = this.#disks[index];
    if (!before) return;
    this.#disks[index] = { ...before, state, ...(progress === undefined ? {} : { progress }) };
    const now = this.#clock.elapsed();
    const isNews = before.state !== state || (progress !== undefined && before.progress?.stage !== progress.stage);
    if (!isNews && now - this.#toldAt < REPORT_INTERVAL_MS) return;
    this.#toldAt = now;
    this.#report({ disks: [...this.#disks] });
  }
}
