package project

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
)

// notificationPatience is how long, in real time, an expected notification may
// take to arrive after the execution has ended.
const notificationPatience = 15 * time.Second

// expectations checks each and prints a line for it. The error is one that
// keeps an expectation from being checked at all.
func (r *Runner) expectations(ctx context.Context, ended []*states.DescribeExecutionOutput) (met bool, err error) {
	if len(r.file.Expect) == 0 {
		return true, nil
	}
	r.heading("Expectations")
	met = true
	for _, e := range r.file.Expect {
		what, problem, err := r.expect(ctx, e, ended)
		if err != nil {
			return false, err
		}
		if problem != "" {
			met = false
			fmt.Fprintf(r.Out, "  NOT MET    %s\n             %s\n", what, problem)
			continue
		}
		r.say("met", "%s", what)
	}
	return met, nil
}

// expect says what it checked and, if that does not hold, why.
func (r *Runner) expect(ctx context.Context, e Expectation, ended []*states.DescribeExecutionOutput) (what, problem string, err error) {
	switch {
	case e.Execution != "":
		what, problem = expectStatus(e, ended)
		return what, problem, nil
	case e.SQL != "":
		return r.expectSQL(ctx, e)
	case e.Object != "":
		return r.expectObject(ctx, e)
	}
	return r.expectNotification(ctx, e.Notification)
}

func expectStatus(e Expectation, ended []*states.DescribeExecutionOutput) (what, problem string) {
	what = "execution " + e.Execution
	if e.Error != "" {
		what += " with " + e.Error
	}
	if len(ended) == 0 {
		return what, "nothing was started"
	}
	for _, d := range ended {
		if *d.Status != e.Execution {
			return what, "it is " + *d.Status
		}
		if e.Error != "" && text(d.Error) != e.Error {
			return what, fmt.Sprintf("its error is %q", text(d.Error))
		}
	}
	return what, ""
}

func (r *Runner) expectSQL(ctx context.Context, e Expectation) (what, problem string, err error) {
	what = strings.Join(strings.Fields(e.SQL), " ")
	got, err := r.SQL.Query(ctx, e.Database, e.SQL)
	if err != nil {
		return what, err.Error(), nil
	}
	want := make([][]string, len(e.Rows))
	for i, row := range e.Rows {
		for _, v := range row {
			want[i] = append(want[i], text(v))
		}
	}
	if !slices.EqualFunc(got.Rows, want, slices.Equal) {
		return what, fmt.Sprintf("rows are %v, expected %v", got.Rows, want), nil
	}
	return what, "", nil
}

// expectObject checks the objects whose keys begin with the expectation's, all
// taken together.
func (r *Runner) expectObject(ctx context.Context, e Expectation) (what, problem string, err error) {
	object := r.vars.expand(e.Object)
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(object, "s3://"), "/")
	what = "object " + object
	list, err := bus.Invoke[s3.ListObjectsV2Output](ctx, r.AWS, "s3", "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		return what, err.Error(), nil
	}
	if len(list.Contents) == 0 {
		return what, "there is none", nil
	}
	var all []byte
	for _, o := range list.Contents {
		out, err := bus.Invoke[s3.GetObjectOutput](ctx, r.AWS, "s3", "GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
		if err != nil {
			return what, err.Error(), nil
		}
		data, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil {
			return what, "", fmt.Errorf("cannot read s3://%s/%s: %w", bucket, *o.Key, err)
		}
		all = append(all, data...)
	}
	if e.Contains != "" {
		what += fmt.Sprintf(" contains %q", e.Contains)
		if !bytes.Contains(all, []byte(e.Contains)) {
			return what, "it does not", nil
		}
	}
	if e.Lines != nil {
		what += fmt.Sprintf(" has %d lines", *e.Lines)
		if n := bytes.Count(all, []byte("\n")); n != *e.Lines {
			return what, fmt.Sprintf("it has %d", n), nil
		}
	}
	return what, "", nil
}

// expectNotification looks at the e-mails of this run in the local outbox.
func (r *Runner) expectNotification(ctx context.Context, n *Notification) (what, problem string, err error) {
	want := 1
	if n.Count != nil {
		want = *n.Count
	}
	what = fmt.Sprintf("%d notifications by e-mail from topic %s", want, n.Topic)
	if n.Contains != "" {
		what += fmt.Sprintf(" with %q", n.Contains)
	}
	if r.Outbox == "" {
		return what, "the server's outbox cannot be seen from here", nil
	}
	deadline := time.Now().Add(notificationPatience)
	for {
		got, err := r.notifications(n)
		if err != nil {
			return what, "", err
		}
		if got >= want || time.Now().After(deadline) {
			if got != want {
				problem = fmt.Sprintf("there are %d", got)
			}
			return what, problem, nil
		}
		select {
		case <-ctx.Done():
			return what, "", ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

func (r *Runner) notifications(n *Notification) (count int, err error) {
	files, err := filepath.Glob(filepath.Join(r.Outbox, "*.eml"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.ModTime().Before(r.started) {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			return 0, fmt.Errorf("cannot read the outbox: %w", err)
		}
		body, err := mailBody(data)
		if err != nil {
			return 0, fmt.Errorf("cannot read the e-mail %s: %w", f, err)
		}
		if isNotification(body, r.vars["topic."+n.Topic]) && strings.Contains(body, n.Contains) {
			count++
		}
	}
	return count, nil
}

// isNotification tells a notification of the topic, whose link to unsubscribe
// names it, from a request to confirm a subscription.
func isNotification(body, topic string) bool {
	return strings.Contains(body, "SubscriptionArn="+topic+":") && !strings.Contains(body, "ConfirmSubscription")
}

// mailBody is the decoded text of an e-mail.
func mailBody(data []byte) (string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

func (r *Runner) show(ctx context.Context) error {
	for _, s := range r.file.Show {
		t, err := r.SQL.Query(ctx, s.Database, s.SQL)
		if err != nil {
			return fmt.Errorf("cannot show %q: %w", s.Title, err)
		}
		r.heading("%s", s.Title)
		t.Print(r.Out)
	}
	return nil
}
