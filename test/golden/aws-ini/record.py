# Records what botocore reads: python3 record.py > vectors.json, with botocore on the path.
import json, random, sys, tempfile
import botocore
from botocore.configloader import build_profile_map, raw_config_parse

WRITTEN = {
    'the usual': '[default]\nregion = eu-west-1\noutput=json\n\n[profile a]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n',
    'credentials': '[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = a/b+c=\n[other]\naws_session_token = x==\n',
    'comments': '# first\n[default] # why\n; second\nregion = a # no comment\n  # third\nkey = b;c\n',
    'block': '[default]\ns3 =\n  max_concurrent_requests = 20\n  Addressing_Style=path\n\n  # why\n  x = y = z\nregion = r\n',
    'sso': '[sso-session corp]\nsso_region = a\nsso_start_url = https://x.example/start#/\n[profile p]\nsso_session = corp\nsso_account_id = 000000000123\n',
    'names': '[profile "a b"]\nr = 1\n[profile \'c\']\nr = 2\n[profile d e]\nr = 3\n[profile]\nr = 4\n[profilex]\nr = 5\n[preview]\nr = 6\n[profile   f ]\nr = 7\n',
    'case': '[Default]\nREGION = A\n[profile P]\nAws_Access_Key_Id = K\n',
    'colon': '[default]\nregion: a = b\nx = c: d\n',
    'continued': '[default]\nx = a\n  b\n\n    c\ny = d\n',
    'indented': '  [default]\n  x = a\n  y = b\n z = c\n [profile q]\n',
    'carriage returns': '[default]\r\nx = a\r\ny =\r\n  n = m\r\n',
    'empty values': '[default]\nx =\ny = \nz = a\n',
    'brackets': '[a]b]\nx = 1\n[ c ]\nx = 2\n',
    'no end of line': '[default]\nx = a',
    'nothing': '',
    'duplicate section': '[default]\nx = a\n[default]\ny = b\n',
    'duplicate setting': '[default]\nx = a\nx = b\n',
    'before any section': 'x = a\n[default]\n',
    'no setting': '[default]\nx\ny = a\n',
    'no setting in a block': '[default]\nx =\n  y\n',
    'non-ASCII': '[profile \u00e9]\nx = \u5b57\n',
}
PARTS = ['[default]', '[profile a]', '[profile b]', '[sso-session s]', 'x = 1', 'Y=2', 'z: 3', 'w =',
         '# c', '; c', '  ', '', '\tk = v', '  k = v # n', '    deep = =', ' l = "q"', '[t] #', 'a=b=c', ' : ']


def read(text):
    with tempfile.NamedTemporaryFile('w', encoding='utf-8', newline='') as file:
        file.write(text)
        file.flush()
        try:
            raw = raw_config_parse(file.name)
        except Exception:
            return None
        built = build_profile_map(raw)
        return {'sections': raw, 'profiles': built['profiles'], 'ssoSessions': built['sso_sessions']}


chance = random.Random(1)
rows = [{'name': name, 'text': text, 'read': read(text)} for name, text in WRITTEN.items()]
while len(rows) < 300:
    lines = ['[default]'] + [chance.choice(PARTS) for _ in range(chance.randint(1, 9))]
    text = '\n'.join(lines)
    found = read(text)
    if found is not None:
        rows.append({'name': f'random {len(rows)}', 'text': text, 'read': found})
source = f'botocore {botocore.__version__}, Python {sys.version.split()[0]}'
lines = ',\n'.join(json.dumps(row, ensure_ascii=False) for row in rows)
print('{"source": ' + json.dumps(source) + ', "rows": [\n' + lines + '\n]}')
