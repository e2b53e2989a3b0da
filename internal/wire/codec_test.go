package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/redshift"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
)

// TestModels checks what the codecs rely on: member i of a structure is field i
// of its Go struct, names and references are in order, patterns compile.
func TestModels(t *testing.T) {
	for name, m := range models() {
		for i := range m.Operations {
			op := &m.Operations[i]
			if i > 0 && m.Operations[i-1].Name >= op.Name {
				t.Errorf("%s: operations are not sorted at %s", name, op.Name)
			}
			if !op.Modelled {
				continue
			}
			for id, v := range map[awsapi.ShapeID]any{op.Input: op.NewInput(), op.Output: op.NewOutput()} {
				matchType(t, m, id, reflect.TypeOf(v).Elem(), map[reflect.Type]bool{})
			}
		}
		for i := range m.Shapes {
			if p := m.Shapes[i].Pattern; p != "" {
				if _, err := compilePattern(p); err != nil {
					t.Errorf("%s: cannot check the pattern of %s: %v", name, m.Shapes[i].Name, err)
				}
			}
		}
	}
}

func matchType(t *testing.T, m *awsapi.Model, id awsapi.ShapeID, typ reflect.Type, seen map[reflect.Type]bool) {
	s := &m.Shapes[id]
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch s.Kind {
	case awsapi.Structure:
		if s.EventStream || seen[typ] {
			return
		}
		seen[typ] = true
		if typ.NumField() != len(s.Members) {
			t.Fatalf("%s: %s has %d members, %s %d fields", m.Service, s.Name, len(s.Members), typ, typ.NumField())
		}
		for i := range s.Members {
			mb := &s.Members[i]
			if f := typ.Field(i); f.Name[1:] != mb.Name[1:] {
				t.Errorf("%s: member %s.%s is field %s", m.Service, s.Name, mb.Name, f.Name)
			}
			if !mb.Streaming {
				matchType(t, m, mb.Shape, typ.Field(i).Type, seen)
			}
		}
	case awsapi.List, awsapi.Map:
		matchType(t, m, s.Elem, typ.Elem(), seen)
	}
}

// fill sets every member of a structure to a value, so that a round trip shows
// what a protocol loses.
func fill(m *awsapi.Model, id awsapi.ShapeID, v reflect.Value, depth int) {
	s := &m.Shapes[id]
	switch s.Kind {
	case awsapi.Structure:
		v = settle(v)
		for i := range s.Members {
			if mb := &s.Members[i]; mb.Location == awsapi.Body && !mb.Streaming && !(depth > 4 && m.Shapes[mb.Shape].Kind <= awsapi.Map) {
				fill(m, mb.Shape, v.Field(i), depth+1)
			}
		}
	case awsapi.List:
		out := reflect.MakeSlice(v.Type(), 2, 2)
		fill(m, s.Elem, out.Index(0), depth+1)
		fill(m, s.Elem, out.Index(1), depth+1)
		v.Set(out)
	case awsapi.Map:
		out := reflect.MakeMap(v.Type())
		for _, k := range []string{"a key", "b<&>"} {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(m, s.Elem, e, depth+1)
			out.SetMapIndex(reflect.ValueOf(k), e)
		}
		v.Set(out)
	case awsapi.String:
		setString(v, "é <&> \"x\"\n"+s.Name)
	case awsapi.Blob:
		v.SetBytes([]byte{0, 1, 0xff})
	case awsapi.Boolean:
		settle(v).SetBool(true)
	case awsapi.Integer, awsapi.Long:
		settle(v).SetInt(-12345)
	case awsapi.Float, awsapi.Double:
		settle(v).SetFloat(0.0625)
	case awsapi.Timestamp:
		settle(v).Set(reflect.ValueOf(time.Unix(1763697600, 125e6).UTC()))
	case awsapi.Document:
		v.Set(reflect.ValueOf(map[string]any{"a": []any{"b", true}}))
	}
}

// TestRoundTrip sends every input from the client's side to the server's, and
// every output back, with all body members set.
func TestRoundTrip(t *testing.T) {
	for _, m := range models() {
		c := New(m)
		for i := range m.Operations {
			op := &m.Operations[i]
			if !op.Modelled || m.Protocol == awsapi.RESTXML || m.Protocol == awsapi.RESTJSON {
				continue
			}
			in := op.NewInput()
			fill(m, op.Input, reflect.ValueOf(in).Elem(), 0)
			req, err := c.NewRequest(t.Context(), op, "http://h", in)
			if err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			body.ReadFrom(req.Body)
			got, err := c.Decode(op, m.Protocol, &Request{Header: req.Header, Body: body.Bytes()})
			same(t, m.Service+"."+op.Name+" input", in, got, err)

			for _, p := range []awsapi.Protocol{m.Protocol, awsapi.CBOR} {
				out := op.NewOutput()
				fill(m, op.Output, reflect.ValueOf(out).Elem(), 0)
				resp, err := c.Encode(op, p, out, "r")
				if err != nil {
					t.Fatal(err)
				}
				back := op.NewOutput()
				switch p {
				case awsapi.JSON:
					err = c.decodeJSON(resp.Body, op.Output, reflect.ValueOf(back).Elem())
				case awsapi.CBOR:
					err = c.decodeCBOR(resp.Body, op.Output, reflect.ValueOf(back).Elem())
				case awsapi.Query:
					err = c.readQuery(op, resp.Body, reflect.ValueOf(back).Elem())
				default:
					continue
				}
				same(t, m.Service+"."+op.Name+" output in "+string(p), out, back, err)
			}
		}
	}
}

// TestRoundTripXML does the same for the documents of S3.
func TestRoundTripXML(t *testing.T) {
	c := New(s3.Model)
	for i := range s3.Model.Operations {
		op := &s3.Model.Operations[i]
		if !op.Modelled || s3.Model.Shapes[op.Output].Payload != 0 || op.Name == "GetBucketNotification" { // superseded; two of its members share a name
			continue
		}
		out := op.NewOutput()
		fill(s3.Model, op.Output, reflect.ValueOf(out).Elem(), 0)
		resp, err := c.Encode(op, awsapi.RESTXML, out, "r")
		if err != nil {
			t.Fatal(err)
		}
		back := op.NewOutput()
		err = c.decodeRESTBody(&s3.Model.Shapes[op.Output], op.Output, resp.Body, reflect.ValueOf(back).Elem())
		same(t, op.Name, out, back, err)
	}
}

func same(t *testing.T, what string, want, got any, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	if !bytes.Equal(a, b) {
		t.Errorf("%s:\n got %s\nwant %s", what, b, a)
	}
}

var startExecution = []byte(`{"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","name":"n","input":"{\"key\":\"value\"}"}`)

func BenchmarkStartExecution(b *testing.B) {
	c := New(states.Model)
	op := states.Model.Operation("StartExecution")
	out := &states.StartExecutionOutput{ExecutionArn: new("arn:aws:states:us-east-1:123456789012:execution:m:n"), StartDate: new(time.Unix(1763697600, 125e6))}
	b.ReportAllocs()
	for b.Loop() {
		in, err := c.Decode(op, awsapi.JSON, &Request{Body: startExecution})
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Validate(op, in); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Encode(op, awsapi.JSON, out, "r"); err != nil {
			b.Fatal(err)
		}
	}
}

// fuzzDecode checks that a decoder answers with an input or an AWS error, and
// that what it accepts can be validated and written again.
func fuzzDecode(t *testing.T, c *Codec, op *awsapi.Operation, p awsapi.Protocol, r *Request) {
	in, err := c.Decode(op, p, r)
	if err != nil {
		if awserr.From(err) == nil {
			t.Fatalf("not an AWS error: %v", err)
		}
		return
	}
	c.Validate(op, in)
	if _, err := c.NewRequest(t.Context(), op, "http://h", in); err != nil {
		t.Fatalf("cannot write what was read: %v", err)
	}
}

func FuzzJSON(f *testing.F) {
	c := New(states.Model)
	op := states.Model.Operation("CreateStateMachine")
	f.Add(startExecution)
	f.Add([]byte(`{"tags":[{"key":"a","value":"\ud83d\ude00"}],"publish":true,"loggingConfiguration":{"destinations":[{}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzDecode(t, c, op, awsapi.JSON, &Request{Body: body}) })
}

func FuzzJSONNested(f *testing.F) {
	c := New(glue.Model)
	op := glue.Model.Operation("CreateTable")
	f.Add([]byte(`{"DatabaseName":"d","TableInput":{"Name":"t","Parameters":{"a":"1"},"StorageDescriptor":{"Columns":[{"Name":"c"}],"NumberOfBuckets":-1},"LastAccessTime":1.5e9}}`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzDecode(t, c, op, awsapi.JSON, &Request{Body: body}) })
}

func FuzzCBOR(f *testing.F) {
	c := New(glue.Model)
	op := glue.Model.Operation("CreateTable")
	f.Add([]byte("\xa2\x64Name\x61x\x6aTableInput\xa1\x64Name\x61t"))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzDecode(t, c, op, awsapi.CBOR, &Request{Body: body}) })
}

func FuzzQuery(f *testing.F) {
	c := New(sns.Model)
	op := sns.Model.Operation("PublishBatch")
	f.Add([]byte("TopicArn=t&PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name=k"))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzDecode(t, c, op, awsapi.Query, &Request{Body: body}) })
}

func FuzzREST(f *testing.F) {
	c := New(restModel)
	f.Add("/2020/things/a%2Fb", "max=5&tag=x", []byte(`{"note":"n"}`))
	f.Fuzz(func(t *testing.T, path, query string, body []byte) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		fuzzDecode(t, c, &restModel.Operations[0], awsapi.RESTJSON, &Request{Method: "PUT", Path: path, Query: q, Header: http.Header{}, Body: body})
	})
}

func FuzzXML(f *testing.F) {
	c := New(redshift.Model)
	op := redshift.Model.Operation("DescribeClusters")
	f.Add([]byte(`<R><DescribeClustersResult><Clusters><Cluster><Tags><Tag><Key>k</Key></Tag></Tags></Cluster></Clusters></DescribeClustersResult></R>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c.readQuery(op, body, reflect.ValueOf(op.NewOutput()).Elem())
		errorFromXML(&awserr.Error{}, body)
	})
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e3,"\u00e9",true,null,{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := scanner{data: body}
		_, err := s.any()
		if err == nil {
			if s.peek(); s.pos != len(body) {
				return
			}
		}
		if (err == nil) != json.Valid(body) && bytes.Count(body, []byte("[")) < 400 && bytes.Count(body, []byte("{")) < 400 {
			if err != nil && !finite(body) {
				return // a number outside the range of a double
			}
			t.Fatalf("%q: %v, encoding/json says %v", body, err, json.Valid(body))
		}
	})
}

func finite(body []byte) bool {
	var v any
	return json.Unmarshal(body, &v) == nil
}
