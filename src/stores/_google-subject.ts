// Workload identity federation: the other platform's token, to be exchanged for one of Google's.
import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import type { ExternalAccount } from './_google-credentials.ts';
import { TOKEN_BYTES_MAX } from './_oauth.ts';
import { jsonRecord, neededCredential, textIn } from './_rest.ts';
import type { StoreContext } from './_store.ts';

/** The subject token of an external account. */
export async function googleSubject(
  context: StoreContext,
  { source, audience }: ExternalAccount,
): Promise<string> {
  const where = [`store ${context.name}`, 'subject token'];
  switch (source.kind) {
    case 'file': {
      const text = neededCredential(context.io.fs, source.path, where);
      return tokenIn(text, source.member, [...where, source.path]);
    }
    case 'url':
      return tokenIn(await fromUrl(context, source), source.member, where);
    case 'aws': {
      // Only those who need it load what AWS takes.
      const { awsSubject } = await import('./_google-aws.ts');
      return awsSubject(context, source.facts, audience);
    }
  }
}

function tokenIn(text: string, member: string | undefined, where: readonly string[]): string {
  const token = member === undefined ? text : textIn(jsonRecord(text) ?? {}, member);
  if (token !== undefined && token !== '') return token;
  const what = member === undefined ? 'it is empty' : `there is no ${member} in it`;
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
}

interface Source {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function fromUrl({ caller }: StoreContext, { url, headers }: Source): Promise<string> {
  return caller.send({
    name: 'subject token',
    kind: 'credentials',
    request: () => ({
      method: 'GET',
      url,
      headers,
      // Such an address without TLS is the platform's own, e.g. a metadata server.
      proxy: url.startsWith('http:') ? 'never' : 'environment',
      protocol: 'h1',
      bodyBytesMax: TOKEN_BYTES_MAX,
    }),
    judge: textOfAnswer,
  });
}

function textOfAnswer(answer: HttpAnswer): Verdict<string> {
  const passing = verdictOfStatus(answer, undefined);
  if (passing !== undefined) return passing;
  if (answer.status !== 200) return refused('BH_ERR_CREDENTIALS', `HTTP ${answer.status}`);
  return { kind: 'done', value: new TextDecoder().decode(answer.body).trim() };
}
