// Entry of a mover thread.
import { parentPort } from 'node:worker_threads';
import { Mover } from './mover.ts';

if (parentPort) new Mover(parentPort);
