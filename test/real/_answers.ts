// Answers of stores as plain text, for comparing; sealed values are opened.
import type { Answer } from '../../src/stores/_store.ts';

/** A map of texts, a text, `absent: …`, or `CODE: message`. */
export function plain(answer: Answer | undefined): unknown {
  if (answer === undefined) return undefined;
  if (answer.kind === 'absent') return `absent: ${answer.what}`;
  if (answer.kind === 'failed') return `${answer.problem.code}: ${answer.problem.message}`;
  if (answer.kind === 'value') return text(answer.value.reveal());
  return Object.fromEntries([...answer.entries].map(([key, one]) => [key, text(one.reveal())]));
}

/** Text where the bytes are text, else base 64 behind `bytes:`. */
function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `bytes:${Buffer.from(bytes).toString('base64')}`;
  }
}

/** The code of what is thrown, or of a failed answer; undefined where all is well. */
export async function codeOf(work: Promise<readonly Answer[]>): Promise<string | undefined> {
  try {
    const [first] = await work;
    return first?.kind === 'failed' ? first.problem.code : undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

/** Everything that a thrown thing or a failed answer says, for searching. */
export async function wordsOf(work: Promise<readonly Answer[]>): Promise<string> {
  try {
    const answers = await work;
    return answers
      .map((one) =>
        one.kind === 'failed' ? `${one.problem.message} ${one.problem.help}` : one.kind,
      )
      .join('\n');
  } catch (error) {
    const { message, help, code } = error as { message?: string; help?: string; code?: string };
    return `${code} ${message} ${help}`;
  }
}
