import type { JsonObject } from '../targets/_caps.ts';
import type { Send } from '../targets/_target.ts';

/** Where a request of Google's goes, and which members of its input are in that and not in it. */
export function calledUrl(
  { service, path }: Extract<Send, { by: 'google rest' }>,
  input: JsonObject,
  address = `https://${service.host}`,
): { readonly url: string; readonly names: readonly string[] } {
  const filled = filledPath(path, input);
  return { url: `${address.replace(/\/+$/, '')}${filled.path}`, names: filled.names };
}

/** `{name}` is a member of the input in one step, `{+name}` in several. */
export function filledPath(
  path: string,
  input: JsonObject,
): { readonly path: string; readonly names: readonly string[] } {
  const names: string[] = [];
  const filled = path.replace(/\{(\+?)(\w+)\}/g, (_, plus: string, name: string) => {
    names.push(name);
    const value = input[name];
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    const steps = plus === '' ? [text] : text.split('/');
    return steps.map(encodeURIComponent).join('/');
  });
  return { path: filled, names };
}
