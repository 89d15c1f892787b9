/** How a program ended, and what it printed. */
export interface Spawned {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, while this process goes on: a server of its may answer. */
export async function spawned(
  words: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Spawned> {
  const child = Bun.spawn([...words], { ...options, stdout: 'pipe', stderr: 'pipe' });
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, out, err };
}
