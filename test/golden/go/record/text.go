package main

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

type quoteVector struct {
	Text  string `json:"text"`
	Quote string `json:"quote"`
}

type replaceVector struct {
	Hex      string `json:"hex"`
	Valid    bool   `json:"valid"`
	Replaced string `json:"replaced"`
}

// replace gives one U+FFFD for each byte that is not UTF-8, as `for range` over a string does.
func replace(b []byte) string {
	out := []byte{}
	for _, r := range string(b) {
		out = utf8.AppendRune(out, r)
	}
	return hex.EncodeToString(out)
}

func text() any {
	quotes := []quoteVector{}
	add := func(s string) { quotes = append(quotes, quoteVector{s, strconv.Quote(s)}) }
	for r := rune(0); r < 0xb0; r++ {
		if r < 0x21 || r > 0x7d || r == '"' || r == '\\' || r == '\'' || r == '`' {
			add(string(r))
		}
	}
	for _, s := range []string{
		"", "plain", `a "b" \c`, "line\nline\r\n\ttab", "nul\x00bell\a", "\x7f", "é", "日本語", "😀", "👩‍👩‍👧",
		"\u00a0", "\u00ad", "\u0300", "a\u0301", "\u0378", "\u034f", "\u061c", "\u1680", "\u180e", "\u2000",
		"\u200b", "\u200d", "\u200e", "\u2028", "\u2029", "\u202e", "\u202f", "\u205f", "\u2060", "\u2066",
		"\u3000", "\ud7ff", "\ue000", "\uf8ff", "\ufdd0", "\ufe0f", "\ufeff", "\ufff9", "\ufffc", "\ufffd",
		"\ufffe", "\uffff", "\U00010000", "\U0001f600", "\U000e0001", "\U000e0100", "\U000f0000", "\U0010fffd",
		"\U0010ffff", "\U0001fae9", "\U0001c800", "\u1c89", "\U0002ebf0", "${A}$(B)", "key=\"value\"",
	} {
		add(s)
	}
	replaced := []replaceVector{}
	bytes := func(b ...byte) {
		replaced = append(replaced, replaceVector{hex.EncodeToString(b), utf8.Valid(b), replace(b)})
	}
	for _, s := range []string{"", "plain", "é", "日本", "😀", "\ufffd", "\U0010ffff", "\x00"} {
		bytes([]byte(s)...)
	}
	for _, first := range []byte{0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xfe, 0xff} {
		bytes(first)
		bytes('a', first, 'b')
		for _, second := range []byte{0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0} {
			bytes(first, second)
			bytes(first, second, 0x80, 'x')
			bytes(first, second, 0xbf, 0x80, 'x')
			bytes(first, second, 0x80, 0x7f)
		}
	}
	return map[string]any{"quote": quotes, "replace": replaced}
}

func printable() any {
	ranges := [][2]rune{}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !strconv.IsPrint(r) {
			continue
		}
		if n := len(ranges); n > 0 && ranges[n-1][1] == r-1 {
			ranges[n-1][1] = r
		} else {
			ranges = append(ranges, [2]rune{r, r})
		}
	}
	return ranges
}
