package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awsapi/redshift"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata")

func models() map[string]*awsapi.Model {
	m := map[string]*awsapi.Model{}
	for _, x := range []*awsapi.Model{glue.Model, iam.Model, logs.Model, redshift.Model, redshiftdata.Model, s3.Model,
		secretsmanager.Model, sns.Model, states.Model, sts.Model, restModel, ec2Model, movedModel} {
		m[x.Service] = x
	}
	return m
}

// TestData runs the files of testdata. A case is a command line, its input,
// a line of dashes and what must come out; -rewrite writes that part.
//
//	decode SERVICE OPERATION [PROTOCOL]   request body        -> input struct as JSON
//	http SERVICE OPERATION                request, HTTP form  -> input struct as JSON
//	encode SERVICE OPERATION [PROTOCOL]   output as JSON      -> status, headers, body
//	error SERVICE PROTOCOL                CODE STATUS TEXT    -> status, headers, body
//	validate SERVICE OPERATION            input as JSON       -> error or ok
//	request SERVICE OPERATION             input as JSON       -> the client's request
//	response SERVICE OPERATION            answer, HTTP form   -> output struct as JSON
//	route SERVICE                         METHOD URI lines    -> operations
func TestData(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	codecs := map[string]*Codec{}
	for name, m := range models() {
		codecs[name] = New(m)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runFile(t, file, codecs) })
	}
}

func runFile(t *testing.T, file string, codecs map[string]*Codec) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		if strings.HasPrefix(block, "#") {
			out.WriteString(block + "\n")
			continue
		}
		head, want, _ := strings.Cut(block, "\n----\n")
		line, input, _ := strings.Cut(strings.TrimSuffix(head, "\n----"), "\n")
		got := strings.TrimSpace(command(codecs, strings.Fields(line), input))
		if got != want && !*rewrite {
			t.Errorf("%s: %s\n%s\n-- got\n%s\n-- want\n%s", file, line, input, got, want)
		}
		out.WriteString(strings.TrimSuffix(head, "\n----") + "\n----\n" + got + "\n")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func command(codecs map[string]*Codec, args []string, input string) string {
	c := codecs[args[1]]
	if c == nil {
		return "no service " + args[1]
	}
	var op *awsapi.Operation
	protocol := c.Model.Protocol
	switch args[0] {
	case "error":
		protocol = awsapi.Protocol(args[2])
	case "route":
	default:
		if op = c.Model.Operation(args[2]); op == nil {
			return "no operation " + args[2]
		}
		if len(args) > 3 {
			protocol = awsapi.Protocol(args[3])
		}
	}
	switch args[0] {
	case "decode":
		return decoded(c, op, protocol, &Request{Method: op.Method, Path: op.URI, Header: http.Header{}, Body: []byte(unescape(input))})
	case "http":
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(crlf(input))))
		if err != nil {
			return "bad request in the test: " + err.Error()
		}
		body, _ := io.ReadAll(r.Body)
		return decoded(c, op, protocol, &Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Header: r.Header, Body: body})
	case "encode":
		out := op.NewOutput()
		if err := json.Unmarshal([]byte(input), out); err != nil {
			return "bad output in the test: " + err.Error()
		}
		resp, err := c.Encode(op, protocol, out, "req-1")
		if err != nil {
			return err.Error()
		}
		return show(resp)
	case "error":
		f := strings.SplitN(input, " ", 3)
		status, _ := strconv.Atoi(f[1])
		return show(c.EncodeError(protocol, awserr.New(status, f[0], "%s", f[2]), "req-1"))
	case "validate":
		in := op.NewInput()
		if err := json.Unmarshal([]byte(input), in); err != nil {
			return "bad input in the test: " + err.Error()
		}
		if err := c.Validate(op, in); err != nil {
			return fmt.Sprintf("%d %s", err.HTTPStatus(), err)
		}
		return "ok"
	case "request":
		return request(c, op, input)
	case "response":
		return response(c, op, input)
	case "route":
		return routed(c, input)
	}
	return "no command " + args[0]
}

// unescape lets test data hold bytes that a text file cannot: \x80.
func unescape(s string) string {
	for {
		i := strings.Index(s, `\x`)
		if i < 0 || i+4 > len(s) {
			return s
		}
		n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil {
			return s
		}
		s = s[:i] + string([]byte{byte(n)}) + s[i+4:]
	}
}

func crlf(s string) string {
	head, body, _ := strings.Cut(s+"\n", "\n.\n")
	body = strings.TrimSuffix(body, "\n")
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func decoded(c *Codec, op *awsapi.Operation, p awsapi.Protocol, r *Request) string {
	in, err := c.Decode(op, p, r)
	if err != nil {
		return failure(err)
	}
	b, _ := json.Marshal(in)
	return string(b)
}

func failure(err error) string {
	if e := awserr.From(err); e != nil {
		fields, _ := json.Marshal(e.Fields)
		return fmt.Sprintf("%d %s %s", e.HTTPStatus(), e, strings.TrimPrefix(string(fields), "null"))
	}
	return "internal: " + err.Error()
}

func show(r *Response) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Status)
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(r.Header[k], " | "))
	}
	text := string(r.Body)
	if strings.Contains(r.Header.Get("Content-Type"), "cbor") {
		text = fmt.Sprintf("%x", r.Body)
	}
	return b.String() + text
}

func request(c *Codec, op *awsapi.Operation, input string) string {
	in := op.NewInput()
	if err := json.Unmarshal([]byte(input), in); err != nil {
		return "bad input in the test: " + err.Error()
	}
	r, err := c.NewRequest(context.Background(), op, "http://127.0.0.1:4566", in)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(r.Header[k], " | "))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return b.String() + string(body)
}

func response(c *Codec, op *awsapi.Operation, input string) string {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(crlf(input))), nil)
	if err != nil {
		return "bad answer in the test: " + err.Error()
	}
	out, err := c.ReadResponse(op, resp)
	if err != nil {
		return failure(err)
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func routed(c *Codec, input string) string {
	var b strings.Builder
	for line := range strings.Lines(input) {
		f := strings.Fields(line)
		u, err := url.ParseRequestURI(f[1])
		if err != nil {
			return err.Error()
		}
		h := http.Header{}
		for _, pair := range f[2:] {
			k, v, _ := strings.Cut(pair, "=")
			h.Set(k, v)
		}
		op, labels := c.Route(f[0], u.EscapedPath(), u.Query(), h)
		if op == nil {
			fmt.Fprintln(&b, "none")
			continue
		}
		text, _ := json.Marshal(labels)
		fmt.Fprintf(&b, "%s %s\n", op.Name, text)
	}
	return b.String()
}
