// Kubernetes' rules for names: k8s.io/apimachinery v0.33.13 pkg/util/validation,
// k8s.io/kubernetes v1.33.13 pkg/apis/core/validation.

/** A DNS label: container and volume names. Returns what is wrong, or undefined. */
export function dnsLabelProblem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters';
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) return undefined;
  return "must be lower case letters, digits and '-', starting and ending with a letter or digit";
}

/** A DNS subdomain: names of Secrets and ConfigMaps, prefixes of label keys. */
export function dnsSubdomainProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters';
  const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
  if (new RegExp(`^${label}(?:\\.${label})*$`).test(name)) return undefined;
  return "must be lower case letters, digits, '-' and '.', starting and ending with a letter or digit";
}

/** Names of variables: printable ASCII but `=` (relaxed rule, on by default since 1.32). */
export function variableNameProblem(name: string): string | undefined {
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) return undefined;
  return "a variable's name must be printable ASCII characters other than '='";
}

/** Keys of Secrets and ConfigMaps. */
export function keyProblem(key: string): string | undefined {
  if (key.length > 253) return 'a key must be no more than 253 characters';
  if (!/^[-._a-zA-Z0-9]+$/.test(key)) {
    return "a key must be letters, digits, '-', '_' and '.' only";
  }
  if (key === '.') return "a key must not be '.'";
  return key.startsWith('..') ? "a key must not start with '..'" : undefined;
}

/** items[].path of a volume. */
export function itemPathProblem(path: string): string | undefined {
  if (path.startsWith('/')) return 'must be a relative path';
  const steps = path.split('/');
  if (steps.includes('..')) return "must not contain '..'";
  if (path.startsWith('..')) return "must not start with '..'";
  if (path.includes('\0')) return 'must not contain a NUL byte';
  return undefined;
}

/** subPath, and what subPathExpr became. */
export function subPathProblem(path: string): string | undefined {
  if (path.startsWith('/')) return 'must not be an absolute path';
  if (path.split('/').includes('..')) return "must not contain '..'";
  return path.includes('\0') ? 'must not contain a NUL byte' : undefined;
}

/** `a//b/./c/../d` as Go's path.Clean gives it, but '' for '.': `..` above the root is the root. */
export function cleanPath(path: string): string {
  const isAbsolute = path.startsWith('/');
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '' || step === '.') continue;
    const last = steps.at(-1);
    if (step !== '..') steps.push(step);
    else if (last !== undefined && last !== '..') steps.pop();
    else if (!isAbsolute) steps.push(step);
  }
  return `${isAbsolute ? '/' : ''}${steps.join('/')}`;
}

/** Of `a/b/c`: `a`, `a/b` and `a/b/c`. */
export function stepsOf(path: string): string[] {
  const steps = path.split('/');
  return steps.map((_, index) => steps.slice(0, index + 1).join('/'));
}
