// Files that `pull` makes for containers that get variables: one that the launcher reads, or one
// that the kubelet reads. Values are those of the plan's variables.
import { BellhopError } from '../core/errors.ts';
import type { StartFileTarget } from '../wire/start-file.ts';
import { encodeStartFile } from '../wire/start-file.ts';
import type { MadeSource, StartPart, StartTarget } from '../plan/types.ts';
import type { ByteText, Environment } from './environment.ts';
import { byteText } from './environment.ts';
import { textToBytes } from './exec-document.ts';

type Variables = Environment['variables'];
type Made<K extends MadeSource['kind']> = Extract<MadeSource, { kind: K }>;

/** Bytes of the start file; a variable without a value is left out, as the kubelet does it. */
export function startFile({ targets }: Made<'start'>, variables: Variables): Uint8Array {
  const there = targets.filter((target) => {
    return !('variable' in target) || hasValue(target, variables);
  });
  return encodeStartFile(there.map((target) => encoded(target, variables)));
}

/** A variable that stands for one of the plan, and not for a text around it. */
function hasValue({ parts }: StartTarget, variables: Variables): boolean {
  const [part] = parts;
  return parts.length !== 1 || part === undefined || !('of' in part) || variables.has(part.of);
}

function encoded(target: StartTarget, variables: Variables): StartFileTarget {
  const to =
    'variable' in target
      ? { variable: textToBytes(byteText(target.variable)) }
      : { argument: target.argument };
  return { to, parts: target.parts.map((part) => encodedPart(part, variables)) };
}

function encodedPart(part: StartPart, variables: Variables): StartFileTarget['parts'][number] {
  if ('from' in part) return { from: textToBytes(byteText(part.from)) };
  if ('text' in part) return { text: textToBytes(byteText(part.text)) };
  const value = variables.get(part.of)?.value ?? byteText(`$(${part.of})`);
  return { text: textToBytes(value) };
}

/** bufio.MaxScanTokenSize of Go, less what a line has around the value. */
const LINE_BYTES_MAX = 65_000;

/**
 * Bytes of an env file as the kubelet reads it: k8s.io/kubernetes v1.35.0
 * pkg/kubelet/util/env/env_util.go, `NAME='value'`. A value that would arrive as another one, or
 * not at all, is a problem.
 */
export function envFile(
  { names }: Made<'envFile'>,
  variables: Variables,
  problems: BellhopError[],
): Uint8Array {
  const lines = names.flatMap((name): string[] => {
    const found = variables.get(name);
    if (found === undefined) return [];
    const problem = envFileProblem(name, found.value);
    if (problem === undefined) return [`${byteText(name)}='${found.value}'\n`];
    const where = [`variable ${name}`, found.rule];
    problems.push(new BellhopError('BH_ERR_VALUE', { where, what: problem, help: LAUNCHER_HELP }));
    return [];
  });
  return textToBytes(lines.join(''));
}

const LAUNCHER_HELP = 'set `webhook.pull.variables: launcher`, which delivers any value';

function envFileProblem(name: string, value: ByteText): string | undefined {
  const no = 'fileKeyRef of Kubernetes cannot deliver';
  if (/^[ #]/.test(name)) return `${no} a variable whose name begins so`;
  if (value === '') return `${no} a value that is empty`;
  if (value.includes("'")) return `${no} a value with a single quote in it`;
  if (value.includes('\r\n')) return `${no} a value with CR LF in it`;
  if (value.split('\n').some((line) => name.length + line.length > LINE_BYTES_MAX)) {
    return `${no} a value with a line of more than ${LINE_BYTES_MAX} bytes`;
  }
  return isUtf8(value) ? undefined : `${no} a value that is not UTF-8`;
}

function isUtf8(value: ByteText): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(textToBytes(value));
    return true;
  } catch {
    return false;
  }
}
