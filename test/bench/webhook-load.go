// A closed loop of requests over HTTPS for `npm run bench -- webhook`: each connection sends the
// next when it has the answer. Repeats nothing: what fails is counted.
// usage: webhook-load URL CA BODY CONNECTIONS SECONDS
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
	"sort"
	"strconv"
	"sync"
	"time"
)

const warmUp = 300 * time.Millisecond

func main() {
	url := os.Args[1]
	pem, _ := os.ReadFile(os.Args[2])
	body, _ := os.ReadFile(os.Args[3])
	connections, _ := strconv.Atoi(os.Args[4])
	seconds, _ := strconv.ParseFloat(os.Args[5], 64)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	start := time.Now()
	measured := time.Duration(seconds * float64(time.Second))
	var lock sync.Mutex
	var all []float64
	failed := 0
	var wait sync.WaitGroup
	for n := 0; n < connections; n++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
			var own []float64
			ownFailed := 0
			for time.Since(start) < warmUp+measured {
				begun := time.Now()
				if !send(client, url, body) {
					ownFailed++
				} else if time.Since(start) > warmUp {
					own = append(own, float64(time.Since(begun).Nanoseconds())/1e6)
				}
			}
			lock.Lock()
			defer lock.Unlock()
			all = append(all, own...)
			failed += ownFailed
		}()
	}
	wait.Wait()
	sort.Float64s(all)
	at := func(part float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return all[int(part*float64(len(all)-1))]
	}
	text, _ := json.Marshal(map[string]any{
		"requests":  len(all),
		"perSecond": float64(len(all)) / measured.Seconds(),
		"p50Ms":     at(0.5),
		"p99Ms":     at(0.99),
		"failed":    failed,
	})
	fmt.Println(string(text))
}

func send(client *http.Client, url string, body []byte) bool {
	response, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode == 200
}
