import type { Answer } from '../../src/stores/_store.ts';

/** An answer as a test compares it: bytes one character each, a problem as its code. */
export function shown(answer: Answer | undefined): unknown {
  const text = (one: { reveal(): Uint8Array }): string =>
    Buffer.from(one.reveal()).toString('latin1');
  switch (answer?.kind) {
    case 'value':
      return text(answer.value);
    case 'map':
      return Object.fromEntries([...answer.entries].map(([key, one]) => [key, text(one)]));
    case 'failed':
      return answer.problem.code;
    case 'absent':
    case undefined:
      return answer?.kind;
  }
}
