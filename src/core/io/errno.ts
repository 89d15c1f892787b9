/** The name of an errno number, e.g. ENOENT; loads the table only when there is an error. */
export function errnoName(errno: number): string {
  return table().find(([, number]) => number === errno)?.[0] ?? `E${errno}`;
}

/** The number behind a name, 0 where there is none. */
export function errnoNumber(name: string): number {
  return table().find(([key]) => key === name)?.[1] ?? 0;
}

function table(): [string, number][] {
  return Object.entries(process.getBuiltinModule('node:os').constants.errno);
}
