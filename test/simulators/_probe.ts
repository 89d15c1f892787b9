// A plain program for the simulators' own tests: a shell of this machine in an otherwise empty
// image, which prints what it sees under headings.
import { chmodSync, existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Image } from '../kubelet/vectors.ts';
import { type Yard, yardFolder } from './_container.ts';
import type { BuiltImage, Mounted } from './_types.ts';

const LINKS = ['bin', 'sbin', 'lib', 'lib64'];
const CONFIG: Image = { entrypoint: null, cmd: null, env: null, workdir: null, user: null };
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001:app:/home/app:/bin/sh\n';
const GROUP = 'root:x:0:\napp:x:1001:\nextra:x:3001:app\n';

/** The tools of this machine, for an image that has none. */
export function hostTools(): Mounted[] {
  const real = LINKS.map((name) => `/${name}`).filter((at) => {
    return existsSync(at) && !lstatSync(at).isSymbolicLink();
  });
  return ['/usr', ...real].map((at) => ({ kind: 'bind', at, from: at, ro: true }));
}

const TOOLS: readonly (readonly [at: string, from: string])[] = [
  ['/usr/local/bin/bash', '/usr/bin/bash'],
  ['/usr/local/bin/python3', '/usr/bin/python3'],
  ['/usr/lib', '/usr/lib'],
];

/** A shell and a Python of this machine, for an image that has its own of nothing else. */
export function hostShell(): Mounted[] {
  return TOOLS.filter(([, from]) => existsSync(from)).map(([at, from]) => {
    return { kind: 'bind', at, from: realpathSync(from), ro: true };
  });
}

/** An image with users, a script at /probe.sh, a few folders; tools come with `hostTools`. */
export function shellImage(yard: Yard, config: Partial<Image> = {}, script = ''): BuiltImage {
  const dir = yardFolder(yard);
  for (const name of ['etc', 'root', 'tmp', 'usr', 'home/app', 'srv']) {
    mkdirSync(path.join(dir, name), { recursive: true });
  }
  chmodSync(path.join(dir, 'tmp'), 0o1777);
  chmodSync(path.join(dir, 'root'), 0o700);
  writeFileSync(path.join(dir, 'probe.sh'), script);
  writeFileSync(path.join(dir, 'etc/passwd'), PASSWD);
  writeFileSync(path.join(dir, 'etc/group'), GROUP);
  for (const name of LINKS) {
    if (existsSync(`/${name}`) && lstatSync(`/${name}`).isSymbolicLink()) {
      symlinkSync(`usr/${name}`, path.join(dir, name));
    }
  }
  return { layers: [dir], config: { ...CONFIG, ...config } };
}

/** Asks a server inside of the container by the shell's own sockets. */
export function httpGet(host: string, at: string, header = 'X: y'): string {
  const request = `GET ${at} HTTP/1.1\\r\\nHost: ${host}\\r\\n${header}\\r\\nConnection: close\\r\\n\\r\\n`;
  const [name = '', port = '80'] = host.split(':');
  return `bash -c 'exec 3<>/dev/tcp/${name}/${port} && printf "${request}" >&3 && cat <&3'`;
}

const MARK = '\u0001==';

/** A script that prints what each command says under its heading; failures are printed, too. */
export function look(sections: Readonly<Record<string, string>>): string {
  const parts = Object.entries(sections).map(([name, command]) => {
    return `printf '%s%s\\n' '${MARK}' '${name}'; { ${command}\n} 2>&1 || echo "exit $?"`;
  });
  return parts.join('\n');
}

/** What a `look` printed, by heading. */
export function looked(stdout: string): Record<string, string> {
  const parts = stdout.split(MARK).slice(1);
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
}

/** The variables of /proc/1/environ. */
export function environ(bytes: string | undefined): Record<string, string> {
  const pairs = (bytes ?? '').split('\0').filter((one) => one !== '');
  return Object.fromEntries(
    pairs.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

/** What most tests look at. */
export const COMMON: Readonly<Record<string, string>> = {
  args: `tr '\\0' '\\n' </proc/1/cmdline`,
  environ: 'cat /proc/1/environ',
  ids: 'id -u; id -g; id -G',
  pid: 'echo $$',
  shm: 'df -B1 --output=size,target /dev/shm | tail -n 1',
  root: 'touch /written && echo writable',
  cwd: 'pwd',
  network: 'ls /sys/class/net 2>/dev/null; cat /proc/net/dev | grep -c :',
};
