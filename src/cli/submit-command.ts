import { calledUrl } from '../submit/called-url.ts';
import { shellWord } from '../targets/_entrypoint.ts';
import type { Request } from '../targets/_target.ts';

// Requests as the platform's own tools make them.

/** The command line that makes a request from the file that `--only` gives. */
export function commandOf({ operation, send, input }: Request): string {
  const file = `${operation}.json`;
  switch (send.by) {
    case 'command': {
      const words = send.argv.map(shellWord).join(' ');
      return send.stdin === undefined ? words : `${words} < ${file}`;
    }
    case 'google rest': {
      const { url, names } = calledUrl(send, input);
      const without = names.map((name) => `.${name}`).join(', ');
      const token = '-H "Authorization: Bearer $(gcloud auth print-access-token)"';
      const sent = `-H 'Content-Type: application/json' --data @- ${shellWord(url)}`;
      return `jq 'del(${without})' ${file} | curl -sS -X ${send.method} ${token} ${sent}`;
    }
    case 'aws json':
    case 'aws rest': {
      const words = operation.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
      return `aws ${send.service.cli} ${words} --cli-input-json file://${file}`;
    }
  }
}

/** What `--only` prints: what the tool reads. */
export function onlyText({ send, input }: Request): string {
  if (send.by === 'command' && send.stdin !== undefined) return send.stdin;
  return `${JSON.stringify(input, undefined, 2)}\n`;
}

/** What makes the requests that we do not make: a script for a shell; empty where there is none. */
export function scriptOf(requests: readonly Request[]): string {
  const steps = requests.flatMap(({ send }) => {
    return send.by === 'command' ? [stepOf(send.argv, send.stdin)] : [];
  });
  return [...(steps.length > 1 ? ['set -e\n'] : []), ...steps].join('');
}

function stepOf(argv: readonly string[], stdin: string | undefined): string {
  const words = argv.map(shellWord).join(' ');
  if (stdin === undefined) return `${words}\n`;
  let end = 'BELLHOP';
  while (stdin.includes(end)) end += '_';
  return `${words} <<'${end}'\n${stdin.replace(/\n?$/, '\n')}${end}\n`;
}
