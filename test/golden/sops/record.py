# Records files encrypted and decrypted by sops: python3 record.py > vectors.json, with `sops` and
# `age-keygen` on the path.
import base64, json, os, subprocess, sys, tempfile

ONLY = {'mac_only_encrypted': True}
FULL = '''# a comment
text: plain words
empty: ""
"10": ten
"9": nine
a: {b: {c: deep}, "1": x, "0": y}
int: 42
large: 9223372036854775807
negative: -7
float: 1.50
tiny: 0.0000001
huge: 123456789012345678901234567890.0
yes_text: yes
"on": off
true_value: true
nothing: null
list:
  # in a list
  - one
  - 2
  - [x, {y: z}]
  - null
time: 2026-01-02T03:04:05Z
multi: |
  line 1
  line 2
unicode: "é字😀\\t\\"<&>"
colon:key: "path:with:colons"
note_unencrypted: seen # by all
flags_unencrypted: [yes, true, 1.0, 1e3, 7, .5, off]
'''
SECRET = '''apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations: {enabled: "yes"}
data:
  user: YWRtaW4=
  password: cEA1NQ==
stringData:
  note: "10"
'''
JSON = '{"b": "x", "1": 2, "0": [true, false, null, 1.0, 1e30, 12345678901234567890, -0.5], "n": {}, "l": [], "é": "\\u0000\\ud83d\\ude00"}'
DOTENV = '# comment\nA=1\nB=two words = three\nC="quoted"\nEMPTY=\nLINES=a\\nb\nsopsy=x\n'
COMMENTS = 'a: plain\n# sops:enc\nb: secret\nc: plain too\n'
INPUTS = [
    ('yaml', 'yaml', FULL, {}),
    ('yaml, checksum of encrypted values only', 'yaml', FULL, ONLY),
    ('yaml, encrypted_regex', 'yaml', SECRET, {'encrypted_regex': '^(data|stringData)$'}),
    ('yaml, encrypted_regex, checksum of encrypted values only', 'yaml', SECRET,
     {'encrypted_regex': '(?i)^(DATA|stringdata)$', **ONLY}),
    ('yaml, unencrypted_regex', 'yaml', FULL, {'unencrypted_regex': '^(list|int|float|flags|huge|tiny|a$)'}),
    ('yaml, encrypted_suffix', 'yaml', SECRET, {'encrypted_suffix': 'ata'}),
    ('yaml, unencrypted_suffix', 'yaml', FULL, {'unencrypted_suffix': 't'}),
    ('yaml, encrypted_comment_regex', 'yaml', COMMENTS, {'encrypted_comment_regex': 'sops:enc'}),
    ('yaml, two documents', 'yaml', SECRET + '---\n' + 'b: 1\na: 2\n', {}),
    ('json', 'json', JSON, {}),
    ('json, unencrypted', 'json', JSON, {'unencrypted_regex': '.'}),
    ('dotenv', 'dotenv', DOTENV, {}),
    ('dotenv, checksum of encrypted values only', 'dotenv', DOTENV, {'encrypted_regex': '^[AB]$', **ONLY}),
    ('binary', 'binary', bytes(range(256)), {}),
    ('binary text', 'binary', '-----BEGIN X-----\r\n\n', {}),
]


def run(*words, given=None, **more):
    return subprocess.run(words, input=given, stdout=subprocess.PIPE, check=True, **more).stdout


version = run('sops', '--version', '--disable-version-check').decode().split()[1]
age = run('age', '--version').decode().strip()
keys = [run('age-keygen', stderr=subprocess.DEVNULL).decode() for _ in range(2)]
identities = [[line for line in key.splitlines() if line.startswith('AGE-')][0] for key in keys]
recipients = [run('age-keygen', '-y', given=one.encode()).decode().strip() for one in identities]
rows = []
with tempfile.TemporaryDirectory() as folder:
    os.environ['SOPS_AGE_KEY'] = identities[0]
    os.chdir(folder)
    for name, kind, text, rules in INPUTS:
        data = text if isinstance(text, bytes) else text.encode()
        open('in', 'wb').write(data)
        types = ['--input-type', kind]
        rule = {'age': ','.join(recipients), **rules}
        open('.sops.yaml', 'w').write(json.dumps({'creation_rules': [rule]}))
        sealed = run('sops', 'encrypt', *types, '--output-type', kind, 'in')
        open('out', 'wb').write(sealed)
        out = kind if kind == 'binary' or 'two documents' in name else 'json'
        plain = run('sops', 'decrypt', *types, '--output-type', out, 'out')
        row = {'name': name, 'format': 'tree' if kind in ('yaml', 'json') else kind, 'sealed': sealed.decode()}
        row['plain'] = base64.b64encode(plain).decode() if kind == 'binary' else plain.decode()
        rows.append(row)
lines = ',\n'.join(json.dumps(row, ensure_ascii=False) for row in rows)
head = {'source': f'sops {version}, age {age}', 'identities': identities, 'recipients': recipients}
print(json.dumps(head)[:-1] + ', "rows": [\n' + lines + '\n]}')
