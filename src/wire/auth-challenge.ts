// What a server asks a login by: the header WWW-Authenticate of RFC 9110, 11.6.1, with the
// parameters that the distribution specification's token authentication has.

/** One way to log in. */
export interface Challenge {
  /** In small letters. */
  readonly scheme: string;
  /** Names in small letters. */
  readonly parameters: Readonly<Record<string, string>>;
}

const HEADER_CHARACTERS_MAX = 8192;
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PARAMETER = new RegExp(`^[\\s,]*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`);
const SCHEME = new RegExp(`^[\\s,]*(${TOKEN})(?=\\s|,|$)`);

/** All ways that the header names, in their order; what cannot be read ends it. */
export function readChallenges(header: string): readonly Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = header.length > HEADER_CHARACTERS_MAX ? '' : header;
  while (rest !== '') {
    const last = found.at(-1);
    const parameter = last === undefined ? null : PARAMETER.exec(rest);
    const read = parameter ?? SCHEME.exec(rest);
    if (read === null) break;
    if (last !== undefined && parameter !== null) put(last.parameters, parameter);
    else found.push({ scheme: (read[1] ?? '').toLowerCase(), parameters: {} });
    rest = rest.slice(read[0].length);
  }
  return found;
}

/** The first of a name counts. */
function put(
  parameters: Record<string, string>,
  [, name = '', quoted = '', plain]: RegExpExecArray,
) {
  const key = name.toLowerCase();
  if (Object.hasOwn(parameters, key)) return;
  parameters[key] = plain ?? quoted.replace(/\\(.)/g, '$1');
}
