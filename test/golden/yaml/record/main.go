// Records how kubectl reads YAML and JSON: the documents that `kubectl apply -f` would take from a
// text, as the JSON that it would send, or the class of the error.
//
//	go run . > ../vectors.json      record the cases of cases.go again
//	go run . -serve                 one JSON {"base64": …} a line in, one answer a line out
//
// It follows cli-runtime's StreamVisitor: NewYAMLOrJSONDecoder(4096) into runtime.RawExtension,
// empty and null documents skipped, then the raw JSON decoded as for unstructured objects.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Vector is one recorded case; documents is what came before the error, if there is one.
type Vector struct {
	Name      string   `json:"name"`
	Text      string   `json:"text,omitempty"`
	Base64    string   `json:"base64,omitempty"`
	Documents []string `json:"documents"`
	Error     string   `json:"error,omitempty"`
	Message   string   `json:"message,omitempty"`
}

func read(input []byte) (documents []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	documents = []string{}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(input), 4096)
	for {
		ext := runtime.RawExtension{}
		if err := decoder.Decode(&ext); err != nil {
			if err == io.EOF {
				return documents, nil
			}
			return documents, err
		}
		raw := bytes.TrimSpace(ext.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		var value any
		if err := utiljson.Unmarshal(raw, &value); err != nil {
			return documents, fmt.Errorf("unstructured: %w", err)
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			return documents, fmt.Errorf("unstructured: %w", err)
		}
		documents = append(documents, strings.TrimSpace(out.String()))
	}
}

var classes = []struct{ part, class string }{
	{"panic:", "panic"},
	{"unstructured:", "number"},
	{"json: unsupported value", "number"},
	{"invalid Yaml document separator", "separator"},
	{"excessive aliasing", "aliases"},
	{"value contains itself", "cycle"},
	{"unknown anchor", "anchor"},
	{"map merge requires", "merge"},
	{"invalid map key", "key"},
	{"unsupported map key", "key"},
	{"cannot decode", "tag"},
	{"invalid base64", "tag"},
	{"exceeded max depth", "depth"},
	{"UTF-", "encoding"},
	{"control characters", "encoding"},
	{"invalid Unicode", "encoding"},
	{"surrogate", "encoding"},
}

func class(err error) string {
	if err == nil {
		return ""
	}
	var syntax yaml.JSONSyntaxError
	if errors.As(err, &syntax) {
		return "json"
	}
	for _, c := range classes {
		if strings.Contains(err.Error(), c.part) {
			return c.class
		}
	}
	return "syntax"
}

func record(name, text string) Vector {
	documents, err := read([]byte(text))
	v := Vector{Name: name, Text: text, Documents: documents, Error: class(err)}
	if !utf8.ValidString(text) {
		v.Text, v.Base64 = "", base64.StdEncoding.EncodeToString([]byte(text))
	}
	if err != nil {
		v.Message = err.Error()
		if len(v.Message) > 200 {
			v.Message = strings.ToValidUTF8(v.Message[:200], "") + "…"
		}
	}
	return v
}

func serve() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var request struct{ Base64 string }
		_ = json.Unmarshal(line, &request)
		text, _ := base64.StdEncoding.DecodeString(request.Base64)
		v := record("", string(text))
		v.Text, v.Base64 = "", ""
		answer, _ := json.Marshal(v)
		_, _ = out.Write(append(answer, '\n'))
		_ = out.Flush()
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-serve" {
		serve()
		return
	}
	names := map[string]bool{}
	fmt.Println("[")
	all := cases()
	for i, c := range all {
		if names[c.name] {
			panic("two cases are called " + c.name)
		}
		names[c.name] = true
		encoded, err := marshal(record(c.name, c.text))
		if err != nil {
			panic(err)
		}
		comma := ","
		if i == len(all)-1 {
			comma = ""
		}
		fmt.Println(encoded + comma)
	}
	fmt.Println("]")
}

func marshal(v Vector) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return strings.TrimSpace(out.String()), err
}
