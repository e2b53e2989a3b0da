package server

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"regexp"

	"stepwell/internal/process"
)

// Options say how a server is built.
type Options struct {
	Listen    string // AWS endpoint, host:port; port 0 is any free one
	Redshift  string // Redshift wire protocol, host:port
	DataDir   string
	CacheDir  string  // Python environments; shared between servers
	Account   string  // home of Redshift connections that nothing else places; "" is bus.DefaultAccount
	Region    string  // likewise; "" is bus.DefaultRegion
	TimeScale float64 // 1 is real time, 0 skips waits while nothing runs

	Auth             bool     // verify signatures and passwords on loopback, too
	Credentials      []string // ACCESS_KEY:SECRET[:ACCOUNT]
	RedshiftPassword string   // of awsuser on the default cluster, where passwords are checked
	RedshiftMemory   string   // most memory the data of one cluster takes, "4GiB"; "" is 80 % of the machine's
	Insecure         bool     // allow an address off loopback without TLS
	TLSCert          string   // PEM files
	TLSKey           string

	Route []string // services that are answered by AWS, SERVICE=profile=NAME,region=REGION (forward.Parse)

	Bind []string // clusters that are elsewhere, NAME=HOST:PORT,secret=SECRET,... (remote.Parse)

	SMTP     string // host:port; "" writes e-mails to the outbox
	MailFrom string
	Python   string // interpreter; "" looks on PATH
	Places   bool   // the program calls process.Enter: Lambda's layers can be in /opt
	Mocks    *Mocks // test cases of state machines; nil is none

	Log *slog.Logger
}

// mounting says how processes are shown files at other places; nil: they are not.
func (o *Options) mounting() func(context.Context) (process.Mounting, error) {
	if !o.Places {
		return nil
	}
	return process.TryMounting
}

// memorySize is a size as DuckDB takes it.
var memorySize = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)?(MB|GB|TB|MiB|GiB|TiB)$`)

// complete checks the options and makes paths absolute: the embedded S3 server
// changes the working directory.
func (o *Options) complete() error {
	for _, path := range []*string{&o.DataDir, &o.CacheDir, &o.TLSCert, &o.TLSKey} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("cannot use path %s: %w", *path, err)
		}
		*path = abs
	}
	if !(o.TimeScale >= 0) || math.IsInf(o.TimeScale, 1) { // NaN, too
		return fmt.Errorf("cannot use --time-scale %v: it is a factor of at least 0", o.TimeScale)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RedshiftMemory != "" && !memorySize.MatchString(o.RedshiftMemory) {
		return fmt.Errorf("cannot use --redshift-memory %s: it is a size such as 512MiB or 4GiB", o.RedshiftMemory)
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return fmt.Errorf("--tls-cert and --tls-key go together")
	}
	for _, address := range []string{o.Listen, o.Redshift} {
		local, err := loopback(address)
		if err != nil {
			return err
		}
		if local {
			continue
		}
		o.Auth = true
		if o.TLSCert == "" && !o.Insecure {
			return fmt.Errorf("cannot listen on %s without TLS: give --tls-cert and --tls-key, or --insecure", address)
		}
	}
	return nil
}

// loopback reports whether only this machine reaches the address.
func loopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("cannot listen on %q: %w", address, err)
	}
	if host == "localhost" {
		return true, nil
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback(), nil
}
