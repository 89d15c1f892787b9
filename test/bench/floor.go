// The same as floor.ts in a small static Go program, for comparison: a runtime that starts in a
// quarter of the time. usage: floor STORE COUNT URL CA
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
)

func main() {
	store, url := os.Args[1], os.Args[3]
	count, _ := strconv.Atoi(os.Args[2])
	pem, _ := os.ReadFile(os.Args[4])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool},
		ForceAttemptHTTP2: store == "vault",
	}}
	paths := make([]string, count)
	for n := range paths {
		paths[n] = fmt.Sprintf("bench/%d", n)
	}
	var wait sync.WaitGroup
	send := func(target, path string, body any) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var request *http.Request
			if target == "" {
				request, _ = http.NewRequest("GET", url+path, nil)
			} else {
				text, _ := json.Marshal(body)
				request, _ = http.NewRequest("POST", url, bytes.NewReader(text))
				request.Header.Set("x-amz-target", target)
			}
			response, err := client.Do(request)
			if err != nil || response.StatusCode != 200 {
				fmt.Fprintln(os.Stderr, "failed", err)
				os.Exit(1)
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}()
	}
	chunks := func(size int, each func([]string)) {
		for at := 0; at < count; at += size {
			each(paths[at:min(at+size, count)])
		}
	}
	switch store {
	case "aws-secrets-manager":
		if count == 1 {
			send("secretsmanager.GetSecretValue", "", map[string]string{"SecretId": paths[0]})
		} else {
			chunks(20, func(ids []string) {
				send("secretsmanager.BatchGetSecretValue", "", map[string]any{"SecretIdList": ids})
			})
		}
	case "aws-ssm":
		chunks(10, func(names []string) {
			send("AmazonSSM.GetParameters", "", map[string]any{"Names": names})
		})
	case "vault, one path":
		send("", "/v1/secret/data/bench/all", nil)
	case "vault":
		for _, path := range paths {
			send("", "/v1/secret/data/"+path, nil)
		}
	default:
		for _, path := range paths {
			send("", "/bucket/"+path, nil)
		}
	}
	wait.Wait()
	syscall.Exec("/bin/true", []string{"true"}, nil)
}
