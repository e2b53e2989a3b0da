package pgwire

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"stepwell/internal/lake"
	"stepwell/internal/warehouse"
)

// kindsOf are the messages a client sends, and two that it must not send.
const kindsOf = "QPBDESHCXdcfFp\x00Z"

// frames makes messages of fuzzed bytes: kind, length, body. Mode 0 sends them
// as they are, before the startup too.
func frames(mode byte, in []byte) []byte {
	if mode%4 == 0 {
		return in
	}
	out, _ := (&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{
		"user": "awsuser", "database": "dev", "options": "-c statement_timeout=1000"}}).Encode(nil)
	if mode%4 == 1 {
		return append(out, in...)
	}
	for len(in) >= 2 {
		kind, n := kindsOf[int(in[0])%len(kindsOf)], min(int(in[1]), len(in)-2)
		out = binary.BigEndian.AppendUint32(append(out, kind), uint32(n+4))
		out, in = append(out, in[2:2+n]...), in[2+n:]
	}
	return out
}

// FuzzMessages sends whatever comes as messages: the connection ends when the
// client is through, and the next one is served.
func FuzzMessages(f *testing.F) {
	message := func(kind byte, body string) string {
		for i := range len(kindsOf) {
			if kindsOf[i] == kind {
				return string([]byte{byte(i), byte(len(body))}) + body
			}
		}
		return ""
	}
	end := message('S', "")
	for _, in := range []string{
		message('Q', "select 1, 'x', 2.5::decimal(8,2), current_date; select nope\x00"),
		message('Q', "begin; create temp table t (a int); insert into t values (1), (null); select * from t\x00"),
		message('P', "s\x00select $1::int + 1\x00\x00\x01\x00\x00\x00\x17") + message('D', "Ss\x00") +
			message('B', "p\x00s\x00\x00\x01\x00\x01\x00\x01\x00\x00\x00\x04\x00\x00\x00\x07\x00\x01\x00\x01") + message('D', "Pp\x00") + message('E', "p\x00\x00\x00\x00\x01") + message('C', "Pp\x00") + end,
		message('P', "\x00select * from generate_series(1, 5)\x00\x00\x00") + message('B', "\x00\x00\x00\x00\x00\x00\x00\x00") + message('E', "\x00\x00\x00\x00\x02") + message('E', "\x00\x00\x00\x00\x00") + end,
		message('B', "\x00\x00\x00\x01\x00\x09\x00\x01\xff\xff\xff\xff\x00\x00") + message('H', "") + message('F', "\x00") + end + message('X', ""),
		message('d', "x") + message('c', "") + message('f', "y\x00") + message('p', "z\x00") + end,
		"Q\x00\x00\x00\x0dselect 1\x00", "Q\x7f\xff\xff\xffx", "\x00\x00\x00\x08\x04\xd2\x16\x2f", "\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02", "\xff\xff\xff\xff",
	} {
		for mode := range byte(4) {
			f.Add(mode, []byte(in))
		}
	}
	w, err := warehouse.Open(warehouse.Options{Dir: f.TempDir(), Objects: lake.DirObjects{Root: f.TempDir()}, Catalog: lake.NewMemoryCatalog()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { w.Close() })
	s := New(Options{Warehouse: w, Resolve: func(_ context.Context, s Startup) (warehouse.Identity, error) {
		return warehouse.Identity{Account: "000000000000", Region: "us-east-1", Cluster: "c", Database: s.Database, User: s.User}, nil
	}})
	f.Fuzz(func(t *testing.T, mode byte, in []byte) {
		client, server := net.Pipe()
		c := newConnection(s, server)
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run()
		}()
		go func() {
			client.Write(frames(mode, in))
			client.Write([]byte{'S', 0, 0, 0, 4, 'X', 0, 0, 0, 4})
			client.SetReadDeadline(time.Now().Add(5 * time.Second)) // raw bytes may leave the server waiting for more
			time.Sleep(20 * time.Millisecond)
			if mode%4 == 0 || mode%4 == 1 {
				client.Close()
			}
		}()
		io.Copy(io.Discard, client)
		client.Close()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatal("the connection does not end")
		}
	})
}
