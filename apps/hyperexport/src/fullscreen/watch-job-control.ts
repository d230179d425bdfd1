import type { Screen } from './screen.ts';

/** Long enough for the signal to have arrived; whoever was really stopped has slept much longer by then. */
const STOP_MS = 100;

/** Lets a shell put the program to sleep and wake it. */
export interface JobControl extends Disposable {
  /** Gives the terminal back and stops, with everything that was started with it, until it is woken. Where there is no shell to wake it, nothing happens. */
  sleep(): void;
}

/** Until disposed, the terminal is given back before the process stops, and drawn anew once it goes on, whoever stopped it. */
export function watchJobControl(screen: Screen): JobControl {
  const stopGroup = async (): Promise<void> => {
    process.off('SIGTSTP', sleep);
    process.kill(0, 'SIGTSTP');
    await new Promise((woken) => setTimeout(woken, STOP_MS));
    process.on('SIGTSTP', sleep);
  };
  const sleep = (): void => void screen.leaveFor(stopGroup);
  const redraw = (): void => void screen.leaveFor(async () => undefined);
  process.on('SIGTSTP', sleep);
  process.on('SIGCONT', redraw);
  return {
    sleep,
    [Symbol.dispose]() {
      process.off('SIGTSTP', sleep);
      process.off('SIGCONT', redraw);
    },
  };
}
