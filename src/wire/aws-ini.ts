// The files ~/.aws/config and ~/.aws/credentials as botocore 1.44.5 reads them (configloader.py
// over Python 3.11's RawConfigParser); recorded in test/golden/aws-ini/vectors.json.

/** Settings by name, in lower case; an indented block below a name is a map of its own. */
export type AwsSection = ReadonlyMap<string, string | ReadonlyMap<string, string>>;

/** What a config file has; a credentials file has its profiles as plain sections. */
export interface AwsConfig {
  readonly profiles: ReadonlyMap<string, AwsSection>;
  readonly ssoSessions: ReadonlyMap<string, AwsSection>;
}

/** A section while it is read: the lines of each value. */
type Lines = Map<string, string[]>;

/**
 * All sections of a file by the name in their brackets. Where botocore refuses a file, this reads
 * on, as the SDKs for Go and JavaScript do: sections with one name are one, the last setting of a
 * name counts, and a line that is neither section nor setting is none. No section is a default for
 * others (Python's [DEFAULT]).
 */
export function readAwsIni(text: string): Map<string, AwsSection> {
  const sections = new Map<string, Lines>();
  let section: Lines | undefined;
  let value: string[] | undefined;
  let indent = 0;
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n?|\n/)) {
    const content = line.trim();
    if (content.startsWith('#') || content.startsWith(';')) continue;
    if (content === '') {
      value?.push('');
      continue;
    }
    const lineIndent = line.search(/\S/);
    if (value !== undefined && lineIndent > indent) {
      value.push(content);
      continue;
    }
    indent = lineIndent;
    const header = /^\[(.+)\]/.exec(content)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? new Map<string, string[]>();
      sections.set(header, section);
      value = undefined;
    } else value = readSetting(content, section) ?? value;
  }
  return new Map([...sections].map(([name, lines]) => [name, sectionOf(lines)]));
}

/** The lines of a new value, to be continued; undefined where the line is no setting. */
function readSetting(content: string, section: Lines | undefined): string[] | undefined {
  const delimiter = content.search(/[=:]/);
  if (delimiter < 1 || section === undefined) return undefined;
  const lines = [content.slice(delimiter + 1).trim()];
  section.set(content.slice(0, delimiter).trimEnd().toLowerCase(), lines);
  return lines;
}

function sectionOf(settings: Lines): AwsSection {
  return new Map(
    [...settings].map(([name, lines]) => {
      const value = lines.join('\n').trimEnd();
      return [name, value.startsWith('\n') ? blockOf(value) : value];
    }),
  );
}

/** The names of a block keep their case. */
function blockOf(value: string): Map<string, string> {
  const pairs = value.split('\n').flatMap((line): [string, string][] => {
    const equals = line.indexOf('=');
    return equals === -1 ? [] : [[line.slice(0, equals).trim(), line.slice(equals + 1).trim()]];
  });
  return new Map(pairs);
}

/** A config file: `[default]`, `[profile NAME]` and `[sso-session NAME]`; names may be quoted. */
export function readAwsConfig(text: string): AwsConfig {
  const profiles = new Map<string, AwsSection>();
  const ssoSessions = new Map<string, AwsSection>();
  for (const [header, section] of readAwsIni(text)) {
    const [, kind, , quoted, plain = quoted] =
      /^(profile|sso-session)\s+(?:(["'])(.*)\2|([^\s"']+))\s*$/.exec(header) ?? [];
    if (header === 'default') profiles.set(header, section);
    else if (plain !== undefined) (kind === 'profile' ? profiles : ssoSessions).set(plain, section);
  }
  return { profiles, ssoSessions };
}
