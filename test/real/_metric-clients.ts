// Unmodified clients of metrics, from PyPI and npm, in the releases whose code was read.
import path from 'node:path';
import { PYTHON, installedAt, installedOnce, pip } from '../support/testbed.ts';

const PYTHON_SETS = {
  current: ['datadog==0.56.0', 'statsd==4.0.1'],
  /** Before DD_DOGSTATSD_URL. */
  older: ['datadog==0.49.1'],
} as const;
const NODE_PACKAGE = 'hot-shots@17.1.1';
const nodeName = NODE_PACKAGE.replace('@', '-');
const nameOf = (set: keyof typeof PYTHON_SETS): string => {
  return PYTHON_SETS[set].join('-').replaceAll('==', '-');
};

/** A program that sends `count` times the counter METRIC (in its environment), and its runtime. */
export interface ClientProgram {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Why they cannot be had; undefined where they are there. Installed on first use. */
export function noClients(): string | undefined {
  const [current, older] = (['current', 'older'] as const).map((set) => {
    return installedOnce({ name: nameOf(set), command: pip(...PYTHON_SETS[set]) });
  });
  // Its optional addon for socket files needs a compiler and scripts: without it, it speaks UDP.
  const npm = ['npm', 'install', '--silent', '--ignore-scripts', NODE_PACKAGE, '--prefix'];
  return current ?? older ?? installedOnce({ name: nodeName, command: (to) => [...npm, to] });
}

function inPython(name: string, set: keyof typeof PYTHON_SETS, text: string): ClientProgram {
  const head = 'import os\nname, count = os.environ["METRIC"], int(os.environ["COUNT"])\n';
  const env = { PYTHONPATH: installedAt(nameOf(set)), PYTHONDONTWRITEBYTECODE: '1' };
  return { name, command: [PYTHON, '-c', head + text], env };
}

const DATADOG = `
from datadog import initialize, statsd
initialize()
for _ in range(count): statsd.increment(name, tags=["from:client"])
statsd.flush()
`;

export const CLIENT_PROGRAMS = {
  datadog: inPython('datadog 0.56.0 (PyPI)', 'current', DATADOG),
  datadogOlder: inPython('datadog 0.49.1 (PyPI)', 'older', DATADOG),
  statsd: inPython(
    'statsd 4.0.1 (PyPI)',
    'current',
    'from statsd.defaults.env import statsd\nfor _ in range(count): statsd.incr(name)\n',
  ),
  statsdPipeline: inPython(
    'statsd 4.0.1 (PyPI), a pipeline',
    'current',
    'from statsd.defaults.env import statsd\nwith statsd.pipeline() as p:\n  for _ in range(count): p.incr(name)\n',
  ),
  hotShots: {
    name: 'hot-shots 17.1.1 (npm)',
    command: [
      'node',
      '-e',
      `const Client = require('hot-shots'); const client = new Client({ errorHandler: (e) => { throw e; } });
       for (let i = 0; i < Number(process.env.COUNT); i++) client.increment(process.env.METRIC, 1, { from: 'client' });
       client.close();`,
    ],
    env: { NODE_PATH: path.join(installedAt(nodeName), 'node_modules') },
  },
} as const satisfies Readonly<Record<string, ClientProgram>>;

/** Clients that were told the address in their code, as most programs have it. */
export const HARD_CODED = {
  statsdTcp: (port: number): ClientProgram =>
    inPython(
      'statsd 4.0.1 (PyPI) over TCP',
      'current',
      `from statsd import TCPStatsClient\nc = TCPStatsClient("localhost", ${port})\nfor _ in range(count): c.incr(name)\nc.close()\n`,
    ),
  datadogSocket: (url: string): ClientProgram =>
    inPython(
      `datadog 0.56.0 (PyPI) at ${url.split(':')[0]}`,
      'current',
      `from datadog.dogstatsd import DogStatsd\nc = DogStatsd(socket_path=${JSON.stringify(url)}, disable_buffering=False)\nfor _ in range(count): c.increment(name)\nc.flush()\n`,
    ),
};
