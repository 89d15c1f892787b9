import { describe, expect, test } from 'bun:test';
import recorded from '../golden/sigv4/iam-login.json' with { type: 'json' };
import { awsQueryForm, iamLogin } from '../../src/wire/aws-query.ts';
import { digests } from './_digests.ts';

describe('the form for STS', () => {
  test('has what is given, encoded, after action and version', () => {
    const form = awsQueryForm({
      Action: 'AssumeRole',
      RoleArn: 'arn:aws:iam::1:role/a',
      RoleSessionName: 'a b',
      ExternalId: undefined,
      DurationSeconds: 900,
    });
    expect(form).toBe(
      'Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa' +
        '&RoleSessionName=a%20b&DurationSeconds=900',
    );
  });
  test('gives back what was put in', () => {
    const call = {
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: 'r+&=',
      RoleSessionName: 'é',
      WebIdentityToken: 'a.b-c_d~',
    } as const;
    const read = Object.fromEntries(new URLSearchParams(awsQueryForm(call)));
    expect(read).toEqual({ ...call, Version: '2011-06-15' });
  });
});

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

describe(`the login by IAM is signed as ${recorded.source} signs it`, () => {
  for (const row of recorded.rows) {
    test(row.name, () => {
      const login = iamLogin(
        {
          credentials: {
            accessKeyId: 'AKIDEXAMPLE',
            secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
            ...(row.token === null ? {} : { sessionToken: row.token }),
          },
          region: row.region,
          stsUrl: row.url,
          nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
          ...(row.serverId === null ? {} : { serverId: row.serverId }),
        },
        digests,
      );
      expect(login.iam_http_request_method).toBe('POST');
      expect(decoded(login.iam_request_url)).toBe(row.url);
      expect(decoded(login.iam_request_body)).toBe(row.body);
      const lists = Object.entries(row.headers).map(([name, value]) => [name, [value]]);
      const headers: unknown = JSON.parse(decoded(login.iam_request_headers));
      expect(headers).toEqual(Object.fromEntries(lists));
      expect(JSON.stringify(login)).not.toContain('wJalrXUtnFEMI');
    });
  }
});
