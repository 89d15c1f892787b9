// How Flyte's secret service names what Embedded reads.

/** Where a secret may be; what is not narrowed is empty. */
export interface Scope {
  readonly organization: string;
  readonly domain: string;
  readonly project: string;
}

/** The scopes that are looked at for a task, from the narrowest on. */
export function scopesOf({ organization, domain, project }: Scope): readonly Scope[] {
  return [
    { organization, domain, project },
    { organization, domain, project: '' },
    { organization, domain: '', project: '' },
  ];
}

/** The name that a secret is stored under. */
export function storedName({ organization, domain, project }: Scope, key: string): string {
  return `u__org__${organization}__domain__${domain}__project__${project}__key__${key}`;
}
