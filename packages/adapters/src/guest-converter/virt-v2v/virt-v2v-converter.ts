import { stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HyperError, systemCode, toQemuName, type ImageRef } from '@hypersdk/domain';
import type { Cancel, ConversionNews, ConversionRequest, ConvertedGuest, ConverterReadiness, GuestConverter } from '@hypersdk/ports';
import { remember } from '../../remember.ts';
import { DISKS_MAX, writeDomain } from './domain-xml.ts';
import { enclose, environmentOf } from './enclose.ts';
import { findTools, type Tools } from './find-tools.ts';
import { readNews } from './read-news.ts';
import { runProgram, type ProgramEnd } from './run-program.ts';
import { openAppliance, type Surroundings } from './surroundings.ts';

export interface VirtV2vConverterOptions {
  /** Folders to look for programs in. */
  readonly searchPath: readonly string[];
  /** Runs virt-v2v also where bubblewrap is missing. */
  readonly unsandboxed: boolean;
}

type Readiness = { readonly about: ConverterReadiness; readonly tools?: Tools };

const VERSION_TIMEOUT_MS = 20_000;
/** Tables of an empty overlay. */
const OVERLAY_TIMEOUT_MS = 60_000;
/** The first stable one that converts in place by a program of its own. */
const VERSION_MIN = [2, 2] as const;
const DOMAIN_FILE = 'guest.xml';
/** virt-v2v puts sockets into folders of its own in there, and a socket's path has at most 107 bytes (unix(7)). */
const WORK_LENGTH_MAX = 70;

/** Converts by virt-v2v-in-place, in bubblewrap, on qcow2 overlays: there is no byte of an original that it could write. */
export class VirtV2vConverter implements GuestConverter {
  readonly #ready: (o: Cancel) => Promise<Readiness>;

  constructor(options: VirtV2vConverterOptions) {
    this.#ready = remember((o) => look(options, o));
  }

  async probe(o: Cancel): Promise<ConverterReadiness> {
    return (await this.#ready(o)).about;
  }

  async convert(request: ConversionRequest, o: Cancel & { readonly onNews?: (news: ConversionNews) => void }): Promise<ConvertedGuest> {
    const { about, tools } = await this.#ready(o);
    if (!about.ready || !tools) throw new HyperError('convert/unavailable', `Guests cannot be converted here: ${about.ready ? '' : about.reason}`);
    await checkRequest(request);
    const { work, accelerator } = request;
    const images = request.disks.map(({ path }) => path);
    const task: Task = { tools, request, surroundings: { work, images, appliance: await openAppliance(), accelerator } };
    const disks = await makeOverlays(task, o);
    const description = writeDomain({ firmware: request.firmware, disks: disks.map(({ path }) => path) });
    await writeFile(join(work, DOMAIN_FILE), description, { flag: 'wx', mode: 0o600 });
    return { disks, ...(await convertInPlace(task, o)) };
  }
}

interface Task {
  readonly tools: Tools;
  readonly request: ConversionRequest;
  readonly surroundings: Surroundings;
}

async function look({ searchPath, unsandboxed }: VirtV2vConverterOptions, { signal }: Cancel): Promise<Readiness> {
  const tools = findTools(searchPath, { unsandboxed });
  if ('lack' in tools) return { about: { ready: false, reason: tools.lack } };
  const lines: string[] = [];
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' };
  const program = { command: tools.converter, args: ['--version'], env, cwd: '/', timeLimitMs: VERSION_TIMEOUT_MS };
  const { complaint } = await runProgram(program, { signal, onLine: (line) => void lines.push(line) });
  const [, version, major, minor] = /(?:^|\s)((\d{1,4})\.(\d{1,4})[\w.]*)/.exec(lines[0] ?? '') ?? [];
  if (version === undefined) return { about: { ready: false, reason: `${tools.converter} does not tell its version: ${complaint}` } };
  if (Number(major) < VERSION_MIN[0] || (Number(major) === VERSION_MIN[0] && Number(minor) < VERSION_MIN[1]))
    return { about: { ready: false, reason: `virt-v2v ${version} is too old; ${VERSION_MIN.join('.')} or newer is needed.` } };
  const sandbox = tools.bubblewrap === undefined ? 'none' : 'bubblewrap';
  return { tools, about: { ready: true, program: basename(tools.converter), version, sandbox } };
}

async function checkRequest({ disks, work }: ConversionRequest): Promise<void> {
  if (work.length > WORK_LENGTH_MAX)
    throw new HyperError('usage/invalid', `The name of the work folder is too long for sockets in it: ${work}; choose another one.`);
  if (disks.length === 0 || disks.length > DISKS_MAX)
    throw new HyperError('usage/invalid', `A guest with ${disks.length} disks cannot be converted; it must have 1 to ${DISKS_MAX}.`);
  for (const { path } of disks)
    await stat(path).catch((cause: unknown) => {
      throw new HyperError(systemCode(cause) === 'EACCES' ? 'source/forbidden' : 'source/not-found', `${path} cannot be opened.`, { cause });
    });
}

async function makeOverlays(task: Task, { signal }: Cancel): Promise<readonly ImageRef[]> {
  const { tools, request } = task;
  const overlays: ImageRef[] = [];
  for (const [index, { path: original, format }] of request.disks.entries()) {
    const path = join(request.work, `disk-${index}.qcow2`);
    const args = ['create', '-q', '-f', 'qcow2', '-F', toQemuName(format), '-b', original, path];
    const end = await run(task, { program: tools.qemuImg, args, timeLimitMs: OVERLAY_TIMEOUT_MS }, { signal });
    if (end.code !== 0) throw new HyperError('convert/failed', `There can be no overlay on ${original}: ${reasonOf(end)}`);
    overlays.push({ path, format: 'qcow2', references: { listed: [original] } });
  }
  return overlays;
}

async function convertInPlace(task: Task, o: Cancel & { readonly onNews?: (news: ConversionNews) => void }): Promise<Omit<ConvertedGuest, 'disks'>> {
  const { tools, request } = task;
  const said: ConversionNews[] = [];
  let error: string | undefined;
  const onLine = (line: string): void => {
    const news = readNews(line);
    if (news === undefined) return;
    if (news.kind === 'error') {
      error = news.text;
      return;
    }
    said.push({ kind: news.kind, text: news.text });
    o.onNews?.({ kind: news.kind, text: news.text });
  };
  const args = ['--machine-readable=stream:stdout', '--root', 'first', '-i', 'libvirtxml', DOMAIN_FILE];
  const end = await run(task, { program: tools.converter, args, timeLimitMs: request.timeLimitMs }, { signal: o.signal, onLine });
  if (end.isLate) {
    const during = said.findLast(({ kind }) => kind === 'step')?.text ?? 'its start';
    throw new HyperError('convert/failed', `${request.name}: the time of ${request.timeLimitMs / 1000} s was over during: ${during}.`);
  }
  if (end.code !== 0) throw new HyperError('convert/failed', `virt-v2v cannot convert ${request.name}: ${error ?? reasonOf(end)}`);
  const textsOf = (wanted: ConversionNews['kind']): readonly string[] => said.flatMap(({ kind, text }) => (kind === wanted ? [text] : []));
  return { notes: textsOf('note'), warnings: textsOf('warning') };
}

interface Run {
  readonly program: string;
  readonly args: readonly string[];
  readonly timeLimitMs: number;
}

function run(
  { tools, surroundings }: Task,
  { program, args, timeLimitMs }: Run,
  o: Cancel & { readonly onLine?: (line: string) => void },
): Promise<ProgramEnd> {
  const common = { cwd: surroundings.work, timeLimitMs };
  if (tools.bubblewrap === undefined) return runProgram({ ...common, command: program, args, env: environmentOf(surroundings) }, o);
  const { args: walls, env } = enclose(surroundings);
  return runProgram({ ...common, command: tools.bubblewrap, args: [...walls, program, ...args], env }, o);
}

function reasonOf({ code, complaint }: ProgramEnd): string {
  const last = complaint.split('\n').at(-1) ?? '';
  if (last !== '') return last;
  return code === undefined ? 'it was ended from outside.' : `it ended with code ${code}.`;
}
