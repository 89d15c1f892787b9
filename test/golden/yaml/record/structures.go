package main

var structures = []namedCase{
	{"empty input", ""}, {"only a line break", "\n"}, {"only spaces", "  "}, {"only a comment", "# c\n"}, {"only a separator", "---\n"},
	{"separator without line break", "---"}, {"only separators", "---\n---\n---\n"}, {"only an end", "...\n"},
	{"scalar document", "a\n"}, {"number document", "5\n"}, {"null document", "null\n"}, {"tilde document", "~\n"}, {"list document", "- 1\n- 2\n"},
	{"quoted null document", "'null'\n"}, {"empty string document", "''\n"}, {"empty mapping", "{}\n"}, {"empty list", "[]\n"},
	{"no final line break", "a: 1"}, {"two documents", "a: 1\n---\nb: 2\n"}, {"leading separator", "---\na: 1\n---\nb: 2\n"},
	{"trailing separator", "a: 1\n---\n"}, {"trailing separators", "a: 1\n---\n---\n---\n"}, {"double separator between", "a: 1\n---\n---\nb: 2\n"},
	{"separator with comment", "a: 1\n--- # c\nb: 2\n"}, {"separator with spaces", "a: 1\n---   \nb: 2\n"}, {"separator with tab", "a: 1\n---\t\nb: 2\n"},
	{"separator with content", "a: 1\n--- b: 2\n"}, {"separator with a mapping", "--- {a: 1}\n"}, {"separator with a scalar", "--- a\n"}, {"separator with a block", "--- |\n  a\n"},
	{"separator with a tag", "--- !!map\na: 1\n"}, {"four dashes", "a: 1\n----\nb: 2\n"}, {"dashes and a word at column 0", "---a: 1\n"}, {"separator and hash", "---#c\na: 1\n"},
	{"indented separator", "a: 1\n ---\nb: 2\n"}, {"separator in a quoted scalar", "a: 'x\n---\ny'\n"}, {"separator in a plain scalar", "a: x\n--- \n y\n"},
	{"leading comments", "# c\n\na: 1\n# d\n---\n# e\nb: 2\n"}, {"comment-only document between", "a: 1\n---\n# c\n---\nb: 2\n"}, {"null document between", "a: 1\n---\nnull\n---\nb: 2\n"},
	{"comment before leading separator", "# c\n---\na: 1\n"}, {"end marker", "a: 1\n...\n"}, {"end marker and more", "a: 1\n...\nb: 2\n"}, {"end marker and separator", "a: 1\n...\n---\nb: 2\n"},
	{"end marker first", "...\na: 1\n"}, {"end marker and nonsense", "a: 1\n...\n]]\n"}, {"end marker with comment", "a: 1\n... # c\n"}, {"end marker with content", "a: 1\n... b\n"}, {"four dots", "a: 1\n....\n"},
	{"dots in a quoted scalar", "a: 'x\n...\ny'\n"}, {"dots in a block", "a: |\n  x\n...\n"}, {"dots as plain", "a: ...\n"}, {"separator end separator", "---\na: 1\n...\n---\nb: 2\n...\n"},
	{"end marker after separator", "---\n...\na: 1\n"},
	{"YAML directive", "%YAML 1.1\n---\na: 1\n"}, {"YAML 1.2 directive", "%YAML 1.2\n---\na: 1\n"}, {"TAG directive", "%TAG !e! tag:e,2000:\n---\na: !e!x 1\n"}, {"unknown directive", "%FOO\n---\na: 1\n"},
	{"directive after separator", "---\n%YAML 1.1\n---\na: 1\n"}, {"directive after end", "a: 1\n...\n%YAML 1.1\n---\nb: 1\n"},
	{"BOM", "\ufeffa: 1\n"}, {"BOM and separator", "\ufeff---\na: 1\n"}, {"BOM and JSON", "\ufeff{\"a\": 1}\n"}, {"BOM in the second document", "a: 1\n---\n\ufeffb: 2\n"}, {"BOM inside", "a: x\ufeffy\n"}, {"BOM in quotes", "a: \"\ufeffy\"\n"},
	{"CRLF", "a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: 'x\r\n  y'\r\n"}, {"CR only", "a: 1\rb: 2\r"}, {"CR in quotes", "a: \"x\ry\"\n"}, {"CR CR LF", "a: |\n  x\r\r\n  y\n"}, {"CR in a block", "a: |\n  x\r  y\n"}, {"CR and separator", "a: 1\r---\rb: 2\n"},
	{"NEL", "a: x\u0085b: y\n"}, {"LS in plain", "a: x\u2028y\n"}, {"PS in quotes", "a: \"x\u2029y\"\n"}, {"LS in a comment", "a: 1 # x\u2028b: 2\n"}, {"LS in JSON", "{\"a\": \"x\u2028y\"}\n"}, {"LS in a block", "a: |\n  x\u2028  y\n"},
	{"NUL", "a: x\x00y\n"}, {"control character", "a: x\x01y\n"}, {"escape character", "a: \"\x1b\"\n"}, {"DEL", "a: x\x7fy\n"}, {"C1 character", "a: x\u0080y\n"}, {"control character in a comment", "# \x01\na: 1\n"}, {"U+FFFE", "a: \ufffe\n"}, {"private use", "a: \ue000\U0010FFFF\n"},
	{"invalid UTF-8", "a: 1\nb: x\xffy\n"}, {"truncated UTF-8", "a: \xe2\x82"}, {"overlong UTF-8", "a: \xc0\xaf\n"}, {"encoded surrogate", "a: \xed\xa0\x80\n"}, {"invalid UTF-8 in JSON", "{\"a\": \"\xff\"}\n"}, {"invalid UTF-8 in a comment", "a: 1 # \xff\n"},
	{"UTF-16 LE", "\xff\xfea\x00:\x00 \x001\x00\n\x00"}, {"UTF-16 BE", "\xfe\xff\x00a\x00:\x00 \x001\x00\n"}, {"UTF-16 BE without BOM", "\x00a\x00:\x00 \x001\x00\n"},
	{"tab indentation", "a:\n\tb: 1\n"}, {"tab after dash", "-\ta\n"}, {"tab after dash and mapping", "-\ta: 1\n"}, {"tab after colon", "a:\t1\n"}, {"tab before colon", "a\t: 1\n"}, {"tab before comment", "a: 1\t# c\n"}, {"tab line", "a: 1\n\t\nb: 2\n"}, {"tab and comment line", "a: 1\n\t# c\nb: 2\n"},
	{"tabs in flow", "a: [1,\n\t2]\n"}, {"tab before block key", "a:\n  b: 1\n\tc: 2\n"}, {"space tab indentation", "a:\n \tb: 1\n"}, {"tab after key of mapping", "a:\t\n  b: 1\n"}, {"tab in a plain continuation", "a: x\n\ty\n"}, {"tab between words", "a: x\ty\n"}, {"tab-indented JSON as YAML", "a: {\n\t\"b\": 1\n\t}\n"},
	{"tab after question mark", "?\ta\n:\tb\n"}, {"tab at start", "\ta: 1\n"},
	{"nested", "a:\n  b:\n    c: 1\n  d: [1, {e: f}]\n"}, {"list in a mapping, not indented", "a:\n- 1\n- b: 2\n  c: 3\n"}, {"list of lists", "- - 1\n  - 2\n- - 3\n"}, {"list of mappings", "- a: 1\n  b: 2\n-\n  c: 3\n- \n"}, {"mapping in list deep", "- a:\n  - b:\n    - c: 1\n"},
	{"empty values", "a:\nb:\nc: \nd:\n  e:\n"}, {"empty list items", "-\n- \n-\n"}, {"bad indentation", "a:\n    b: 1\n  c: 2\n"}, {"bad indentation of a list", "a:\n  - 1\n - 2\n"}, {"deeper after scalar", "a: 1\n  b: 2\n"}, {"deeper list after scalar", "a: 1\n  - 2\n"}, {"list after mapping", "a: 1\n- 2\n"}, {"mapping after list", "- 1\na: 2\n"},
	{"two colons", "a: b: c\n"}, {"colon at end", "a: b:\n"}, {"key without value", "a\nb: 1\n"}, {"plain over two lines", "a: x\n  y\n  z\nb: 1\n"}, {"plain over blank lines", "a: x\n\n  y\n\n\n  z\n"}, {"plain with comment between", "a: x # c\n  y\n"}, {"plain with comment line", "a: x\n  # c\n  y\n"}, {"plain on the next line", "a:\n  x\n  y\n"}, {"plain at the same column", "a:\nx\n"}, {"plain document over lines", "x\ny\nz\n"}, {"plain with number over lines", "a: 1\n  2\n"},
	{"quoted over lines", "a: 'x\n  y\n\n  z'\n"}, {"double quoted over lines", "a: \"x\n  y\\\n  z\n\n  w \\\n  v\"\n"}, {"double quoted with trailing spaces", "a: \"x  \n   y\"\n"}, {"quoted at column 0", "a: 'x\ny'\n"}, {"double quoted at column 0", "a: \"x\ny\"\n"}, {"escaped break and leading escape", "a: \"x\\\n  \\ y\"\n"}, {"quoted only breaks", "a: '\n\n'\n"}, {"quoted leading break", "a: \"\n  x\"\n"},
	{"quoted key over lines", "'a\n b': 1\n"}, {"plain key over lines", "a\n b: 1\n"}, {"flow quoted key over lines", "{'a\n b': 1}\n"}, {"flow plain key over lines", "{a\n b: 1}\n"}, {"flow key and colon on next line", "{a\n : 1}\n"}, {"flow value on next line", "{a:\n 1}\n"}, {"flow sequence pair over lines", "[a\n : 1]\n"}, {"quoted flow key and colon on next line", "{\"a\"\n : 1}\n"},
	{"explicit key", "? a\n: 1\n"}, {"explicit key without value", "? a\n? b\n"}, {"explicit key and value", "? a\n: - 1\n  - 2\n"}, {"explicit complex key", "? [a, b]\n: 1\n"}, {"explicit key on next line", "?\n  a\n:\n  1\n"}, {"explicit block key", "? |\n  a\n: 1\n"}, {"colon first", ": 1\n"}, {"explicit with comment", "? a # c\n: 1 # d\n"}, {"question mark alone", "?\n"}, {"compact mapping as explicit key", "? a: 1\n: 2\n"}, {"explicit key in list", "- ? a\n  : b\n"},
	{"flow over lines", "a: [1,\n  2,\n  3]\nb: {c: 1,\n  d: 2}\n"}, {"flow at column 0", "a: [1,\n2\n]\n"}, {"flow mapping at column 0", "a: {\nb: 1\n}\n"}, {"flow with comments", "[1, # c\n 2 # d\n]\n"}, {"flow with comment without space", "[1,# c\n2]\n"}, {"flow plain over lines", "[a\n b, c]\n"}, {"flow document", "[1, 2]\n"}, {"flow then text", "[1]\n[2]\n"}, {"flow as key", "{a: 1}: 2\n"}, {"nested flow pair", "[a: [b: c]]\n"}, {"flow separators in words", "[a,b , c]\n"}, {"flow with dashes", "[- a]\n"}, {"flow pair with empty key", "{a: 1, : 2}\n"}, {"flow null entries", "{a: , b}\n"}, {"flow with quoted adjacent", "{\"a\":\"b\",'c':d}\n"}, {"flow adjacent colon", "{a: {b: c}, \"d\":[e]}\n"}, {"flow document separator", "[a,\n---\nb]\n"}, {"flow question mark in word", "[a?, ?b, c? d]\n"}, {"flow percent", "[%a]\n"}, {"flow exclamation", "[!!str 1, !foo 2]\n"}, {"flow tag without space", "[!!str,1]\n"}, {"flow anchors", "[&a 1,*a , *a]\n"}, {"flow alias before comma", "[&a 1, *a, 2]\n"}, {"flow alias before bracket", "[&a 1, *a]\n"}, {"flow indented less", "a:\n  b: [1,\n 2]\n"},
	{"comment after value", "a: 1 # c\n"}, {"hash in a value", "a: x#y\n"}, {"comment in a list", "- 1\n# c\n- 2\n"}, {"indented comments", "a:\n    # c\n  b: 1\n # d\n  c: 2\n"}, {"comment directly after quoted", "a: 'x'# c\n"}, {"comment after block header", "a: | # c\n  x\n"}, {"comment at the end without break", "a: 1\n# c"}, {"comment after a key", "a: # c\n  b: 1 # d\n"}, {"comment after a dash", "- # c\n  a: 1\n"},
	{"duplicate keys", "a: 1\na: 2\n"}, {"duplicate keys nested", "x:\n  a: 1\n  b: 2\n  a: [3]\n"}, {"duplicate quoted key", "a: 1\n'a': 2\n"}, {"duplicate keys in flow", "{a: 1, a: 2}\n"}, {"duplicate JSON keys", "{\"a\": 1, \"a\": 2}\n"}, {"duplicate boolean keys", "yes: 1\ntrue: 2\n"}, {"duplicate integer keys", "1: a\n0x1: b\n"}, {"duplicate null and value", "a: 1\na:\n"},
	{"anchor and alias", "a: &x 1\nb: *x\n"}, {"anchor of a mapping", "a: &x {b: 1}\nc: *x\n"}, {"anchor of a block mapping", "a: &x\n  b: 1\nc: *x\n"}, {"anchor of a list", "a: &x\n- 1\nb: *x\n"}, {"anchor defined again", "a: &x 1\nb: &x 2\nc: *x\n"}, {"anchor of empty", "a: &x\nb: *x\n"}, {"anchor on a key", "&x a: 1\nb: *x\n"}, {"alias as key", "a: &x k\n*x : 1\n"}, {"alias as key without space", "a: &x k\n*x: 1\n"}, {"alias of a mapping as key", "a: &x {b: 1}\n*x : 1\n"}, {"unknown alias", "a: *x\n"}, {"alias before anchor", "a: *x\nb: &x 1\n"}, {"cyclic alias", "a: &x [*x]\n"}, {"cyclic alias in a mapping", "&x a: &y\n  b: *y\n"}, {"anchor and cyclic merge", "a: &x\n  <<: *x\n"}, {"alias over documents", "a: &x 1\n---\nb: *x\n"}, {"alias with property", "a: &x 1\nb: &y *x\n"}, {"alias with tag", "a: &x 1\nb: !!str *x\n"}, {"anchor on document", "&x\na: 1\n"}, {"anchor before mapping in list", "- &x a: 1\n- *x\n"}, {"anchor and mapping next line in list", "- &x\n  a: 1\n- *x\n"}, {"tag and anchor", "a: !!str &x 5\nb: *x\n"}, {"anchor of a redefined cycle", "a: &x [&x 1, *x]\n"}, {"alias to a block", "a: &x |\n  t\nb: *x\n"}, {"alias then colon in flow", "{a: &x 1, b: *x}\n"}, {"alias name with punctuation", "a: &x-1_ 1\nb: *x-1_\n"},
	{"merge", "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n"}, {"merge after", "a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n"}, {"merge of a list", "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne:\n  <<: [*x, *y]\n"}, {"merge of a list reversed", "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne:\n  <<: [*y, *x]\n  d: 4\n"}, {"merge of a mapping in place", "a:\n  <<: {b: 1}\n  c: 2\n"}, {"merge of a list in place", "a:\n  <<: [{b: 1}, {b: 2}]\n"}, {"merge of a scalar", "a:\n  <<: 1\n"}, {"merge of null", "a:\n  <<:\n"}, {"merge of a list of scalars", "a:\n  <<: [1]\n"}, {"merge of an alias to a list", "a: &x [{b: 1}]\nc:\n  <<: *x\n"}, {"merge of an alias to a scalar", "a: &x 1\nc:\n  <<: *x\n"}, {"merge of nested lists", "a:\n  <<: [[{b: 1}]]\n"}, {"merge twice", "a: &x {b: 1}\nc: &y {b: 2}\nd:\n  <<: *x\n  <<: *y\n"}, {"merge nested", "a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y}\n"}, {"quoted merge key", "a: &x {b: 1}\nc:\n  '<<': *x\n"}, {"merge in a list item", "a: &x {b: 1}\nc:\n- <<: *x\n  d: 2\n"}, {"merge of an empty list", "a:\n  <<: []\n"}, {"merge of an empty mapping", "a:\n  <<: {}\n"}, {"merge key with anchor", "a: &x {b: 1}\nc:\n  &k <<: *x\n"}, {"merge key by alias", "a: &x {b: 1}\nk: &k <<\nc:\n  *k : *x\n"}, {"merge with non-string keys", "a: &x {1: a, yes: b}\nc:\n  <<: *x\n  1: c\n"}, {"merge key tagged str", "a: &x {b: 1}\nc:\n  !!str <<: *x\n"}, {"merge key tagged !", "a: &x {b: 1}\nc:\n  ! <<: *x\n"}, {"merge at root", "<<: {a: 1}\nb: 2\n"},
	{"JSON", "{\"a\": 1, \"b\": [true, null, \"x\"]}\n"}, {"JSON over lines", "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": \"d\"\n  }\n}\n"}, {"JSON with tabs", "{\n\t\"a\": 1\n}\n"}, {"JSON numbers", "{\"a\": 1.0, \"b\": 1e3, \"c\": 12345678901234567890, \"d\": 9007199254740993, \"e\": -0, \"f\": -0.0, \"g\": 1e21, \"h\": 1E-7, \"i\": 1e2}\n"}, {"JSON number too large", "{\"a\": 1e400}\n"}, {"JSON escapes", "{\"a\": \"\\u0041\\/\\ud83d\\ude00\\n\"}\n"}, {"JSON lone surrogate", "{\"a\": \"x\\ud800y\"}\n"}, {"JSON lone surrogate key", "{\"\\ud800\": 1}\n"}, {"two JSON documents", "{\"a\": 1}\n{\"b\": 2}\n"}, {"JSON documents on a line", "{\"a\": 1}{\"b\": 2} {\"c\": 3}"}, {"JSON and a separator", "{\"a\": 1}\n---\n{\"b\": 2}\n"}, {"JSON and YAML", "{\"a\": 1}\n---\nb: 2\n"}, {"two JSON and YAML", "{\"a\": 1}\n{\"b\": 2}\n---\nc: 3\n"}, {"YAML and JSON", "a: 1\n---\n{\"b\": 2}\n"}, {"JSON and trailing separator", "{\"a\": 1}\n---\n"}, {"JSON and a comment", "{\"a\": 1} # c\n"}, {"JSON and a comment line", "{\"a\": 1}\n# c\n"}, {"JSON and rubbish", "{\"a\": 1}\n]\n"}, {"JSON and YAML without separator", "{\"a\": 1}\nb: 2\n"}, {"separator and JSON", "---\n{\"a\": 1}\n"}, {"comment and JSON", "# c\n{\"a\": 1}\n"}, {"JSON with a trailing comma", "{\"a\": 1,}\n"}, {"JSON with a comment inside", "{\"a\": 1, # c\n\"b\": 2}\n"}, {"JSON with single quotes", "{'a': 1}\n"}, {"JSON with NaN", "{\"a\": NaN}\n"}, {"JSON with octal", "{\"a\": 010}\n"}, {"JSON with yes", "{\"a\": yes}\n"}, {"JSON list", "[{\"a\": 1}]\n"}, {"JSON unclosed", "{\"a\": 1\n"}, {"JSON string with tab", "{\"a\": \"x\ty\"}\n"}, {"JSON string with line break", "{\"a\": \"x\ny\"}\n"}, {"JSON then scalar", "{\"a\": 1}\n5\n"}, {"JSON then scalars", "{\"a\": 1} 5 \"x\" true null []\n"}, {"JSON then list", "{\"a\": 1}\n[2]\n"}, {"JSON then word", "{\"a\": 1}\nabc\n"}, {"JSON with __proto__", "{\"__proto__\": {\"a\": 1}}\n"}, {"JSON without line break", "{\"a\": 1}"}, {"JSON after blank lines", "\n\n  {\"a\": 1}\n"}, {"JSON and end marker", "{\"a\": 1}\n...\n"}, {"JSON and comma", "{\"a\": 1},\n{\"b\": 2}\n"}, {"JSON without space", "{\"a\":1,\"b\":-2}\n"}, {"JSON empty key", "{\"\": 1}\n"}, {"JSON null", "{\"a\": 1}\nnull\n{\"b\": 2}\n"}, {"YAML flow like JSON", "{a: 1, b: [c, d]}\n"}, {"YAML flow and separator", "{a: 1}\n---\n{b: 2}\n"}, {"JSON with CRLF", "{\r\n\"a\": 1\r\n}\r\n"}, {"JSON and non-breaking space", "\u00a0{\"a\": 1}\n"}, {"JSON DEL", "{\"a\": \"\x7f\"}\n"}, {"JSON control character", "{\"a\": \"\x01\"}\n"}, {"JSON slash key", "{\"a/b\": {\"~\": 1}}\n"}, {"JSON big exponent small", "{\"a\": 1e-400}\n"}, {"JSON big int exp", "{\"a\": 123456789012345678e0}\n"},
	{"error in the second document", "a: 1\n---\nb: [\n---\nc: 3\n"}, {"two key types with one text", "1: a\n'2': b\n"}, {"octal mode", "mode: 0400\ndefaultMode: 420\n"}, {"port as string", "port: \"8080\"\n"}, {"norway", "country: no\n"}, {"version", "version: 1.10\n"}, {"cron", "schedule: \"*/5 * * * *\"\n"}, {"star unquoted", "schedule: */5 * * * *\n"}, {"windows path", "p: C:\\x\n"}, {"url", "u: http://a:80/b\n"}, {"template", "a: {{ .Values.x }}\n"}, {"helm comment", "{{- if .x }}\na: 1\n"}, {"env literal", "value: $(A)-$$(B)\n"}, {"shell", "args: [\"-c\", \"echo $X && exit 1\"]\n"}, {"long flow list", "a: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z]\n"},
}

var manifests = []namedCase{
	{"pod", `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web, tier: "1"}
  annotations:
    note: |
      two
      lines
spec:
  containers:
  - name: main
    image: registry.example.com:5000/web:1.10
    command: ["/bin/sh", "-c"]
    args:
    - |
      set -e
      exec app --port=8080
    env:
    - {name: A, value: "1"}
    - name: B
      valueFrom:
        secretKeyRef: {name: s, key: k, optional: true}
    - name: C
      value: 'it''s $(A)'
    resources:
      requests: {cpu: 0.1, memory: 1e3}
      limits:
        cpu: 1
        memory: 128Mi
    volumeMounts:
    - name: v
      mountPath: /etc/v
      readOnly: yes
  volumes:
  - name: v
    secret:
      secretName: s
      defaultMode: 0400
      items:
        - key: a
          path: a/b
          mode: 0x1ff
`},
	{"pod and secret", `# a pod and its secret
---
apiVersion: v1
kind: Secret
metadata: {name: s}
type: Opaque
data:
  k: dmFsdWU=
stringData:
  pem: |
    -----BEGIN PRIVATE KEY-----
    AAAA
    -----END PRIVATE KEY-----
  json: >-
    {"a":
     1}
---
# the pod
apiVersion: v1
kind: Pod
metadata:
    name: p
spec:
    restartPolicy: Never
    containers:
        -   name: a
            image: b
            env:
                -   name: X
                    value: on
---
`},
	{"deployment with anchors", `apiVersion: apps/v1
kind: Deployment
metadata: &m
  name: d
  labels: &l
    app: d
spec:
  replicas: 3
  selector:
    matchLabels: *l
  template:
    metadata:
      <<: *m
      name: other
    spec:
      containers:
      - &c
        name: a
        image: x
      - <<: *c
        name: b
`},
	{"config map", `apiVersion: v1
kind: ConfigMap
metadata:
  name: c
data:
  "key with space": v
  a.properties: |
    # not a comment
    x=1

    y = 2
  empty: ""
  folded: >
    one
    two

    three
  script: |-
    #!/bin/sh
    echo "hi: $1"   
  tabbed: "a\tb"
binaryData:
  bin: AP8=
immutable: true
`},
	{"job list as JSON", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"template":{"spec":{"containers":[{"name":"a","image":"b","env":[{"name":"A","value":"\u00e9"}]}],"restartPolicy":"Never"}}}}]}
`},
}
