// Names of secrets in Google Secret Manager's REST API v1.

/** A secret, as far as its name says it. */
export interface SecretName {
  readonly project?: string;
  readonly location?: string;
  readonly secret: string;
  readonly version?: string;
}

const SECRET = '[A-Za-z0-9_-]{1,255}';
/** An id, a number, or an old one with its domain: `example.com:project`. */
const PROJECT = '[A-Za-z0-9][A-Za-z0-9.:-]{0,99}';
/** Part of a host's name. */
const LOCATION = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const FULL = new RegExp(
  `^projects/(${PROJECT})(?:/locations/(${LOCATION}))?/secrets/(${SECRET})(?:/versions/([A-Za-z0-9_-]{1,63}))?$`,
);

/** True for what may stand for a project in a resource's name. */
export function isProject(text: string): boolean {
  return new RegExp(`^${PROJECT}$`).test(text);
}

/** The parts of a path; what is wrong with it as text. `location` is for names without one. */
export function readSecretName(path: string, location: string | undefined): SecretName | string {
  if (!path.includes('/')) return bareName(path, location);
  const [, project, ownLocation, secret, version] = FULL.exec(path) ?? [];
  if (project === undefined || secret === undefined) {
    return 'a path is the name of a secret, projects/P/secrets/S or projects/P/locations/L/secrets/S';
  }
  return {
    project,
    secret,
    ...(ownLocation === undefined ? {} : { location: ownLocation }),
    ...(version === undefined ? {} : { version }),
  };
}

function bareName(path: string, location: string | undefined): SecretName | string {
  if (!new RegExp(`^${SECRET}$`).test(path)) {
    return "the name of a secret has letters, digits, '_' and '-', at most 255";
  }
  if (location === undefined) return { secret: path };
  const isLocation = new RegExp(`^${LOCATION}$`).test(location);
  return isLocation ? { secret: path, location } : `${location} is no location`;
}

/** The resource's name, fit for a URL. */
export function resourceOf(name: SecretName & { readonly project: string }): string {
  const location = name.location === undefined ? '' : `/locations/${name.location}`;
  return `projects/${name.project}${location}/secrets/${name.secret}`;
}
