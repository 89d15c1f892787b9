// Load over HTTPS with keep-alive for `npm run bench -- webhook`. Repeats nothing: what fails is
// counted, and every answer is looked at. Each request has a uid of its own.
// usage: webhook-load closed URL CA BODY EXPECT CONNECTIONS SECONDS
//
//	each connection sends the next request when it has the answer
//
// usage: webhook-load open URL CA BODY EXPECT ARRIVALS_A_SECOND SECONDS SAME
//
//	requests come at their time, whether those before are answered or not; the latency counts from
//	that time. @@@@@@ in the body is a number that SAME requests after one another have together.
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
	"sync/atomic"
	"syscall"
	"time"
)

const warmUp = 300 * time.Millisecond
const uidMark = "705ab4f5-6393-11e8-b7cc-42010a800002"
const numberMark = "@@@@@@"

type target struct {
	url    string
	body   []byte
	expect []byte
	pool   *x509.CertPool
	lock   sync.Mutex
	all    []float64
	failed int
}

var counter atomic.Int64

func main() {
	pem, _ := os.ReadFile(os.Args[3])
	body, _ := os.ReadFile(os.Args[4])
	one := &target{url: os.Args[2], body: body, expect: []byte(os.Args[5]), pool: x509.NewCertPool()}
	one.pool.AppendCertsFromPEM(pem)
	seconds, _ := strconv.ParseFloat(os.Args[7], 64)
	measured := time.Duration(seconds * float64(time.Second))
	count, _ := strconv.Atoi(os.Args[6])
	before := cpu()
	if os.Args[1] == "closed" {
		one.closed(count, measured)
	} else {
		same, _ := strconv.Atoi(os.Args[8])
		one.open(count, measured, same)
	}
	one.print(measured, cpu()-before)
}

func (one *target) client() *http.Client {
	config := &tls.Config{RootCAs: one.pool}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 1000}}
}

func (one *target) closed(connections int, measured time.Duration) {
	start := time.Now()
	var wait sync.WaitGroup
	for n := 0; n < connections; n++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			client := one.client()
			var own []float64
			failed := 0
			for time.Since(start) < warmUp+measured {
				body := one.next(0)
				begun := time.Now()
				if !one.send(client, body) {
					failed++
				} else if time.Since(start) > warmUp {
					own = append(own, float64(time.Since(begun).Nanoseconds())/1e6)
				}
			}
			one.add(own, failed)
		}()
	}
	wait.Wait()
}

func (one *target) open(perSecond int, measured time.Duration, same int) {
	client := one.client()
	start := time.Now().Add(warmUp)
	step := time.Second / time.Duration(perSecond)
	var wait sync.WaitGroup
	for n := 0; n < int(measured/step); n++ {
		due := start.Add(time.Duration(n) * step)
		body := one.next(n / same)
		time.Sleep(time.Until(due))
		wait.Add(1)
		go func() {
			defer wait.Done()
			if one.send(client, body) {
				one.add([]float64{float64(time.Since(due).Nanoseconds()) / 1e6}, 0)
			} else {
				one.add(nil, 1)
			}
		}()
	}
	wait.Wait()
}

// The body with a uid that no other request has.
func (one *target) next(number int) []byte {
	uid := fmt.Sprintf("705ab4f5-6393-11e8-b7cc-%012d", counter.Add(1))
	body := bytes.Replace(one.body, []byte(uidMark), []byte(uid), 1)
	return bytes.ReplaceAll(body, []byte(numberMark), []byte(fmt.Sprintf("%06d", number)))
}

func (one *target) send(client *http.Client, body []byte) bool {
	response, err := client.Post(one.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == 200 && bytes.Contains(text, one.expect)
}

func (one *target) add(own []float64, failed int) {
	one.lock.Lock()
	defer one.lock.Unlock()
	one.all = append(one.all, own...)
	one.failed += failed
}

func (one *target) print(measured time.Duration, spent time.Duration) {
	all := one.all
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
		"maxMs":     at(1),
		"failed":    one.failed,
		"clientMs":  float64(spent.Nanoseconds()) / 1e6,
	})
	fmt.Println(string(text))
}

// What this process has used of the processors.
func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
