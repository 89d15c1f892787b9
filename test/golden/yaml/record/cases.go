package main

import (
	"fmt"
	"strings"
)

type namedCase struct{ name, text string }

// Plain scalars, each recorded as a value, and those of `keys` as a mapping key too.
var scalars = []string{
	"0", "-0", "+0", "00", "07", "0400", "-0400", "+0400", "0800", "09", "0o17", "0O17", "-0o17", "0o8",
	"0x1F", "0X1f", "-0x1F", "+0x1f", "0xG", "0x", "0b1", "0B101", "-0b101", "+0b101", "0b2", "-0b", "0b",
	"1", "-1", "+1", "1_000", "1__0", "1_", "_1", "0_7", "0x_1F", "1_0.5", ".5_0", "1,000",
	"1:30", "190:20:30", "190:20:30.15", "-1:30", "01:30",
	"1.0", "1.", "-1.", ".5", "-.5", "+.5", "0.1", "1.5", "01.5", "1.10", "1e3", "1E3", "1e+3", "1e-3", "1.5e3",
	"1e", "e1", "1e1.5", "1e400", "-1e400", "1e308", "1e-400", "5e-324", "1e20", "1e21", "1e22", "1e-6", "1e-7",
	"123456789.123456789", "0.1e1", "-0.0", "-.0", "0x1p4", "0x1.8p1", "1.7976931348623157e308",
	"9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
	"18446744073709551615", "18446744073709551616", "12345678901234567890", "123456789012345678901234567890",
	"0xFFFFFFFFFFFFFFFF", "0x10000000000000000", "0b1111111111111111111111111111111111111111111111111111111111111111",
	"01777777777777777777777", "100000000000000000000", "9007199254740993.0", "1e17",
	"y", "Y", "yes", "Yes", "YES", "yEs", "n", "N", "no", "No", "NO", "true", "True", "TRUE", "tRUE",
	"false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", "oN",
	"~", "null", "Null", "NULL", "nULL", "nil", "none",
	".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.INF", ".nan", ".NaN", ".NAN", "inf", "NaN", ".Infinity",
	"2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-15T02:59:43.1Z", "2001-12-14 21:59:43.10",
	"2001-12-14 21:59:43.10 -5", "2001-13-45", "20010101", "10-10", "12:30:45",
	"<<", "=", "a", "a b", "-a", "- ", "-", "--", "?a", ":a", "a:b", "a#b", "a #b", "http://x/y?z=1#f", "%a", "a%",
	"10m", "100Mi", "1Gi", "0.5", "500m", "1.2.3", "1.2.3.4", "v1", "v1.0", "+", ".", "..", "x:", "é", "日本", "😀", "a\u00a0b",
	"!", "! 5", "! '5'", "!!str 5", "!!str", "!!str ~", "!!str yes", "!!int 5", "!!int '5'", "!!int 0x1F", "!!int abc", "!!int 1.5",
	"!!int 1e3", "!!float 5", "!!float 1.5", "!!float '1.5'", "!!float x", "!!float .inf", "!!bool yes", "!!bool 'no'", "!!bool x",
	"!!null ~", "!!null ''", "!!null x", "!!null", "!!int", "!!timestamp 2001-01-01", "!!timestamp x",
	"!!binary aGk=", "!!binary aGk", "!!binary /w==", "!!binary ''", "!!binary '!'",
	"!foo 5", "!foo yes", "!foo", "!foo '5'", "!<tag:yaml.org,2002:int> 5", "!<tag:yaml.org,2002:str> 5", "!<!foo> 5", "!e!foo 5",
	"!!foo 5", "!!set x", "!!merge <<", "!!seq [1]", "!!map {a: 1}", "!!omap [a: 1]", "!!set {a, b}", "!foo [1]", "!foo {a: 1}",
	"!!str [1]", "!!str {a: 1}", "!!int [1]", "!!python/object:os.system x", "!!%69nt 5", "!a%62c 5",
	"''", "\"\"", "'yes'", "\"5\"", "'it''s'", "'a\\nb'", "'  a  '",
	`"\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P"`, `"\x41\u0041\U00000041\u00e9\U0001F600"`, `"\ud83d\ude00"`, `"\ud800"`, `"\U00110000"`,
	`"\q"`, `"\x4"`, `"\'"`, "\"\\\t\"", "\"a\tb\"", "a\tb", "\ta", "a\t", "a \t#b",
	"[]", "{}", "[ ]", "{ }", "[1, 2]", "[1, 2, ]", "[,]", "[1,,2]", "{a: 1}", "{a: 1, }", "{a}", "{a, b: 2}", "{a: }", "{a:}", "{a:1}",
	"{\"a\":1}", "{'a':1}", "{a: 1 b: 2}", "{: 1}", "{? a : 1}", "{? a}", "[a: 1]", "[a: 1, b]", "[? a : 1]", "[: 1]", "[a:1]", "[\"a\":1]",
	"[a, [b, {c: d}]]", "{a: [1, {b: c}]}", "[a b, c]", "[-1, - 1]", "[-]", "[a?b, c]", "[?a]", "{a: b:c}", "[a#b, c]", "[a, #b\n c]",
	"[http://x:80/, b]", "{a: http://x}", "[*x]", "[&x 1, *x]", "{a: &x 1, b: *x}", "{a: *x}", "{*x : 1}", "[&x a, {*x : 1}]", "[&x a, {*x: 1}]",
	"[", "]", "{", "}", "[}", "[1", "{a: 1", "'", "\"", "'a", "\"a", "'a' b", "\"a\" b", "'a' #b", "'a'#b", "[1] 2", "{} x", "&x", "&x 1", "*x", "& x", "* x",
	"&x &y 1", "!!str &x 5", "&x !!str 5", "!!str !!int 5", "&a-b_c 1", "&a.b 1", "&é 1", "&a: 1",
	"@a", "`a", "|", ">", "|-", "a: b", "a : b", "- a", "? a", "'a': b",
}

var keys = []string{
	"1", "-1", "0400", "0x1F", "1.0", "1.5", "0.1", "1e3", "1234567.0", "12345678.0", "16777217.0", "0.00001", "0.0001", "1e300", "123456.5",
	"true", "yes", "y", "off", "~", "null", "", ".inf", "-.inf", ".nan", "2001-01-01", "9223372036854775807", "9223372036854775808", "1e400",
	"'1'", "\"a b\"", "'a''b'", "a b", "a:b", "[a]", "{a: b}", "[a, b]", "*x", "&x a", "!!str 5", "!!int '5'", "!foo a", "!!binary aGk=", "<<", "'<<'", "!!merge <<",
	"__proto__", "constructor", "toString", "é", "😀", "#a", "a#b", "-a", "?a", "- a", "\"\\u0041\"", "=", "|", "1:30", "1_000", "-0", "-0.0", "+1",
}

func cases() []namedCase {
	var out []namedCase
	add := func(name, text string) { out = append(out, namedCase{name, text}) }
	for _, s := range scalars {
		add(fmt.Sprintf("value %q", s), "a: "+s+"\n")
	}
	for _, s := range keys {
		add(fmt.Sprintf("key %q", s), s+": v\n")
	}
	for _, style := range []string{"|", ">"} {
		for _, chomp := range []string{"", "-", "+", "1", "2", "1-", "-1", "2+", "+2", "0", "10", "12", "--", "3", " # c", "#c", "-x"} {
			add("block "+style+chomp, "a: "+style+chomp+"\n  x\n   y\n\n  z\n\n\nb: 1\n")
			add("block at the end "+style+chomp, "a: "+style+chomp+"\n  x\n\n  z \n  \n\n")
		}
		for name, body := range blocks() {
			add("block "+style+" "+name, "a: "+style+"\n"+body)
		}
	}
	for _, c := range structures {
		add(c.name, c.text)
	}
	for _, c := range manifests {
		add(c.name, c.text)
	}
	for _, c := range large() {
		add(c.name, c.text)
	}
	sortBlocks(out)
	return out
}

func blocks() map[string]string {
	return map[string]string{
		"with no final line break":       "  x",
		"with no final break and spaces": "  x\n  ",
		"empty":                          "",
		"empty before a key":             "b: 1\n",
		"of blank lines":                 "\n\n\n",
		"of blank lines before a key":    "\n\n\nb: 1\n",
		"with leading blank lines":       "\n\n  x\n",
		"with longer blank lines first":  "     \n  x\n",
		"with shorter blank lines first": " \n  x\n",
		"with a tab":                     "\tx\n",
		"with tabs inside":               "  x\n  \ty\n\t\n  z\n",
		"with comments":                  "  # no comment\n  x\n # comment\nb: 1\n",
		"with less indented comment":     "  x\n # comment\n  y\n",
		"folding words":                  "  a\n  b\n\n  c\n    d\n    e\n  f\n",
		"with more indented lines first": "    a\n  b\n",
		"with trailing spaces":           "  a  \n  b  \n",
		"with CRLF":                      "  a\r\n  b\r\n",
		"with a separator inside":        "  a\n  ---\n  b\n",
		"with a separator at column 0":   "  a\n---\nb: 1\n",
		"with PEM":                       "  -----BEGIN CERTIFICATE-----\n  MIIB==\n  -----END CERTIFICATE-----\n",
		"not indented":                   "x\ny\n",
		"with emoji":                     "  😀 é\n  x\n",
	}
}

func sortBlocks(c []namedCase) {
	// The map of blocks has no order; the file of vectors must have one.
	for i := 1; i < len(c); i++ {
		for j := i; j > 0 && c[j].name < c[j-1].name && isBlock(c[j]) && isBlock(c[j-1]); j-- {
			c[j], c[j-1] = c[j-1], c[j]
		}
	}
}

func isBlock(c namedCase) bool { return strings.HasPrefix(c.name, "block ") }

func bomb(levels int) string {
	text := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i <= levels; i++ {
		text += fmt.Sprintf("a%d: &a%d [", i, i) + strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9) + "]\n"
	}
	return text
}

func large() []namedCase {
	n := strings.Repeat
	return []namedCase{
		{"billion laughs of 2 levels", bomb(2)},
		{"billion laughs of 8 levels", bomb(8)},
		{"merge bomb", "a: &a {x: 1}\nb: &b {<<: [" + n("*a,", 99) + "*a]}\nc: {<<: [" + n("*b,", 199) + "*b]}\n"},
		{"depth 900 flow", n("[", 900) + n("]", 900) + "\n"},
		{"depth 10000 flow", n("[", 10000) + n("]", 10000) + "\n"},
		{"depth 10001 flow", n("[", 10001) + n("]", 10001) + "\n"},
		{"depth 10000 flow unclosed", n("[", 10000)},
		{"depth 900 block", n("- ", 900) + "x\n"},
		{"depth 10001 block", n("- ", 10001) + "x\n"},
		{"depth 10000 JSON", "{\"a\":" + n("[", 9998) + n("]", 9998) + "}\n"},
		{"depth 10001 JSON", "{\"a\":" + n("[", 10001) + n("]", 10001) + "}\n"},
		{"depth 900 JSON", "{\"a\":" + n("[", 900) + n("]", 900) + "}\n"},
		{"long line", "a: " + n("x", 100000) + "\nb: 1\n"},
		{"key of 1000 characters", n("k", 1000) + ": v\n"},
		{"key of 1023 characters", n("k", 1023) + ": v\n"},
		{"key of 1024 characters", n("k", 1024) + ": v\n"},
		{"key of 1025 characters", n("k", 1025) + ": v\n"},
		{"flow key of 1025 characters", "{" + n("k", 1025) + ": v}\n"},
		{"explicit key of 1025 characters", "? " + n("k", 1025) + "\n: v\n"},
		{"quoted key of 1025 characters", "'" + n("k", 1025) + "': v\n"},
		{"JSON key of 1025 characters", "{\"" + n("k", 1025) + "\": 1}\n"},
		{"5000 blank bytes before JSON", n(" ", 5000) + "{\"a\": 1}\n"},
	}
}
