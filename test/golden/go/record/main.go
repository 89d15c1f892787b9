// Records what Go itself says, for the code in src/wire that has to say the same:
//
//	go run . text     > ../text.json      strconv.Quote, and strings.ToValidUTF8 byte by byte
//	go run . quantity > ../quantity.json  k8s.io/apimachinery/pkg/api/resource
//	go run . print    > ../print.json     code points that strconv.IsPrint takes, as ranges
package main

import (
	"encoding/json"
	"os"
)

func main() {
	what := map[string]func() any{"text": text, "quantity": quantities, "print": printable}[os.Args[1]]
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if os.Args[1] != "print" {
		encoder.SetIndent("", " ")
	}
	if err := encoder.Encode(what()); err != nil {
		panic(err)
	}
}
