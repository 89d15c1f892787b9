package main

import (
	"math"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

type quantityVector struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
	Value string `json:"value,omitempty"`
	Milli string `json:"milli,omitempty"`
	// What the kubelet prints (pkg/api/v1/resource convertResource…ToString): divisor to text.
	Memory map[string]string `json:"memory,omitempty"`
	CPU    map[string]string `json:"cpu,omitempty"`
}

func quantities() any {
	texts := []string{
		"", "0", "00", "-0", "+0", "1", "+1", "-1", "007", "1.", ".5", "-.5", "1.5", "0.5", "1.0", ".", "+", "-", "+.", "1.2.3",
		" 1", "1 ", "1,5", "1_000", "0x10", "abc", "1n", "1u", "1m", "1k", "1K", "1M", "1G", "1T", "1P", "1E", "1e", "1i", "1b", "1B", "1MB", "1mi",
		"1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", "1ki", "1Kib", "Ki", "m", "E", "e", "1e0", "1e3", "1E3", "1e+3", "1e-3", "1E-3", "1e03", "1e3k", "1e3.5",
		"1e9", "1e18", "1e19", "9e18", "1e-9", "1e-10", "1e-12", "15e-10", "1e64", "1e65", "1e100", "1e-64", "1e-100", "1e400", "1e", "1e+", "1e-",
		"500m", "1500m", "0.1", "0.25", "0.0001", "0.001", "0.0005", "0.0000000001", "1.0000000001", "100n", "999999999n", "1000000001n", "1.5u",
		"128974848", "129e6", "129M", "128974848000m", "123Mi", "1.5Gi", "0.5Mi", "2.5Ki", "1.1Ki", "0.1Ki", "1.0000001Gi", "1.23456789Ti",
		"64Mi", "100Mi", "1023", "1024", "1025", "1048575", "1048577", "1073741825", "4G", "4Gi", "16Ti", "7Ei", "8Ei", "9Ei", "100Ei", "9P", "9223372036854775807",
		"9223372036854775808", "18446744073709551616", "9007199254740993", "9007199254740992", "4503599627370497", "1Ei1", "-1Ki", "-1.5", "-0.5m", "-1e-10",
		"12345678901234567890", "123456789012345678", "0.123456789012345678", "00000000000000000000001", "1.000000000000000000000", "9223372036854775807m", "9.3E", "9.2E",
	}
	memory := []string{"1", "1k", "1M", "1G", "1Ki", "1Mi", "1Gi", "1Ei"}
	cpu := []string{"1", "1m"}
	out := []quantityVector{}
	for _, text := range texts {
		q, err := resource.ParseQuantity(text)
		if err != nil {
			out = append(out, quantityVector{Text: text, Error: err.Error()})
			continue
		}
		v := quantityVector{Text: text, Memory: map[string]string{}, CPU: map[string]string{}}
		v.Value = strconv.FormatInt(q.Value(), 10)
		v.Milli = strconv.FormatInt(q.MilliValue(), 10)
		for _, d := range memory {
			divisor := resource.MustParse(d)
			v.Memory[d] = strconv.FormatInt(int64(math.Ceil(float64(q.Value())/float64(divisor.Value()))), 10)
		}
		for _, d := range cpu {
			divisor := resource.MustParse(d)
			v.CPU[d] = strconv.FormatInt(int64(math.Ceil(float64(q.MilliValue())/float64(divisor.MilliValue()))), 10)
		}
		out = append(out, v)
	}
	return out
}
