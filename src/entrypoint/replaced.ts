import { BellhopError } from '../core/errors.ts';
import type { Fs } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import { mergedParameters } from '../plan/hyperparameters.ts';
import type { Delivery, PlainFile } from './delivery.ts';
import type { Hands } from './hands.ts';
import { makeParents, own } from './hands.ts';
import { readProblem } from './inputs.ts';

// A file that the platform has written, and that is to have more in it: hyperparameters.json of
// SageMaker, which holds what a tuner chose for this job.

/** An earlier start's delivery too: 64 MiB are more where each value is a string. */
const FILE_BYTES_MAX = 192 * 1024 * 1024;

/** Takes these files out of a delivery, with what the platform has written merged into them. */
export function withReplaced(fs: Fs, delivery: Delivery, problems: BellhopError[]): Delivery {
  const isOurs = ({ placement }: PlainFile): boolean => placement.source.kind === 'hyperparameters';
  const ours = delivery.files.filter(isOurs);
  if (ours.length === 0) return delivery;
  const replaced = ours.map((one) => merged(fs, one, problems));
  return { ...delivery, files: delivery.files.filter((one) => !isOurs(one)), replaced };
}

function merged(fs: Fs, file: PlainFile, problems: BellhopError[]): PlainFile {
  const { path } = file.placement;
  if (fs.statThrough(path) === undefined) return file;
  let theirs: Uint8Array;
  try {
    theirs = fs.read(path, FILE_BYTES_MAX);
  } catch (error) {
    throw readProblem(error, path, FILE_BYTES_MAX);
  }
  const content = mergedParameters(theirs, file.content.reveal());
  if (content !== undefined) return { ...file, content: new Sealed(content) };
  const what = 'is not the JSON object that the platform writes there';
  problems.push(new BellhopError('BH_ERR_VALUE', { where: [path], what }));
  return file;
}

/** Written aside and renamed: the program finds the old content or the new, whole. */
export function replaceFile(hands: Hands, { placement, content }: PlainFile): void {
  const { fs, io } = hands;
  const { path } = placement;
  makeParents(hands, path);
  const there = fs.statThrough(path);
  const at = there === undefined ? path : fs.realpath(path);
  const aside = `${at}.bellhop-${Buffer.from(io.random(8)).toString('hex')}`;
  const before = there === undefined ? undefined : fs.read(at, FILE_BYTES_MAX);
  fs.write(aside, content.reveal(), there?.mode ?? placement.mode);
  hands.undo.push(() => {
    if (fs.stat(aside) !== undefined) fs.unlink(aside);
  });
  if (there !== undefined) own(hands, aside, there);
  fs.rename(aside, at);
  hands.undo.push(() => {
    fs.unlink(at);
    if (before !== undefined) fs.write(at, before, there?.mode ?? placement.mode);
  });
}
