package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// aws calls an operation of a JSON service.
func (c *client) aws(service, target, body string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodPost, c.endpoint+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	version := "1.1"
	if service == "sqs" {
		version = "1.0"
	}
	req.Header = http.Header{
		"Content-Type": {"application/x-amz-json-" + version},
		"X-Amz-Target": {target},
		"X-Amz-Date":   {"20260102T030405Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/us-east-1/" + service + "/aws4_request, " +
			"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + strings.Repeat("0", 64)},
	}
	return c.do(req)
}

// must calls an operation and reads its answer.
func (c *client) must(b *testing.B, service, target string, in, out any) {
	b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := c.aws(service, target, string(body))
	if err != nil {
		b.Fatalf("%s: %v", target, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			b.Fatalf("%s: %v", target, err)
		}
	}
}

// messages is how many messages a queue has.
func (c *client) messages(b *testing.B, url string) int {
	b.Helper()
	var out struct{ Attributes map[string]string }
	c.must(b, "sqs", "AmazonSQS.GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"ApproximateNumberOfMessages"}}, &out)
	n, err := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkPutEvents puts 20,000 events, ten a call from 16 clients, through a rule
// into an SQS queue and waits until all are there, in turn with an echo of the same
// requests. Aim: 5,000 events a second, from the first call to the last message.
func BenchmarkPutEvents(b *testing.B) {
	const events, entries, clients, rounds = 20_000, 10, 16, 5
	data := b.TempDir()
	s := startServer(b, data)
	c, limit := newClient(s), newClient(startEcho(b))
	c.must(b, "events", "AWSEvents.PutRule", map[string]any{"Name": "r", "EventPattern": `{"source": ["shop"], "detail": {"total": [{"numeric": [">", 0]}]}}`}, nil)
	var all []map[string]string
	for i := range entries {
		all = append(all, map[string]string{"Source": "shop", "DetailType": "order placed",
			"Detail": fmt.Sprintf(`{"order": "0a3b5c7d-%04d", "customer": "C-10%d", "total": %d.50, "items": [{"sku": "B00123", "n": 2}]}`, i, i, i+1)})
	}
	body, err := json.Marshal(map[string]any{"Entries": all})
	if err != nil {
		b.Fatal(err)
	}
	many := func(c *client) {
		calls := make(chan struct{}, events/entries)
		for range events / entries {
			calls <- struct{}{}
		}
		close(calls)
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range calls {
					answer, err := c.aws("events", "AWSEvents.PutEvents", string(body))
					if err != nil || c == limit {
						if err != nil {
							b.Error(err)
						}
						continue
					}
					if !bytes.Contains(answer, []byte(`"FailedEntryCount":0`)) {
						b.Errorf("entries failed: %.200s", answer)
					}
				}
			})
		}
		wg.Wait()
	}
	var rates, accepted, limits []float64
	for round := range b.N * rounds {
		var queue struct{ QueueUrl string }
		name := fmt.Sprint("q", round)
		c.must(b, "sqs", "AmazonSQS.CreateQueue", map[string]string{"QueueName": name}, &queue)
		c.must(b, "events", "AWSEvents.PutTargets", map[string]any{"Rule": "r", "Targets": []map[string]string{{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:" + name}}}, nil)
		began := time.Now()
		many(c)
		accepted = append(accepted, events/time.Since(began).Seconds())
		for n := 0; n < events; n = c.messages(b, queue.QueueUrl) {
			if time.Since(began) > time.Minute {
				b.Fatalf("%d of %d events arrived", n, events)
			}
			time.Sleep(time.Millisecond)
		}
		rates = append(rates, events/time.Since(began).Seconds())
		began = time.Now()
		many(limit)
		limits = append(limits, events/time.Since(began).Seconds())
	}
	for _, list := range [][]float64{rates, accepted, limits} {
		slices.Sort(list)
	}
	b.ReportMetric(rates[len(rates)/2], "events/s")
	b.ReportMetric(accepted[len(accepted)/2], "accepted/s")
	b.ReportMetric(limits[len(limits)/2], "echoed/s")
	b.ReportMetric(fsyncs(b, data), "fsyncs/s")
}
