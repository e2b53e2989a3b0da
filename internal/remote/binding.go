package remote

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// TagKey is the tag that binds a cluster; its value is a Binding's text.
const TagKey = "stepwell:redshift"

// How a connection is secured: the names are those of libpq's sslmode.
const (
	VerifyFull = "verify-full" // TLS, the certificate and its host name are verified
	Require    = "require"     // TLS, whoever answers
	Disable    = "disable"     // no TLS
)

const (
	defaultPort     = 5439
	defaultDatabase = "dev"
)

// Binding says where a cluster is. What is empty is taken from the secret.
type Binding struct {
	Host     string
	Port     int
	Database string // the cluster's first database
	User     string // must be the secret's, where both are given
	Secret   string // name or ARN of a Secrets Manager secret in the shape AWS documents for Redshift
	SSL      string // VerifyFull where empty
	RootCert string // file of certificates (PEM) to verify with; the system's where empty
}

// Parse reads a binding: words NAME=VALUE with spaces or commas between them,
// named as in libpq's connection strings (host, port, dbname, user, secret,
// sslmode, sslrootcert). A word without a name is HOST or HOST:PORT.
func Parse(text string) (Binding, error) {
	var b Binding
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		name, value, named := strings.Cut(word, "=")
		if !named {
			name, value = "host", word
			if host, port, err := net.SplitHostPort(word); err == nil {
				if err := b.set("port", port); err != nil {
					return b, err
				}
				value = host
			}
		}
		if err := b.set(name, value); err != nil {
			return b, err
		}
	}
	if b.Secret == "" {
		return b, fmt.Errorf("cannot bind a cluster without secret=NAME: its user and password are kept there")
	}
	return b, nil
}

func (b *Binding) set(name, value string) error {
	texts := map[string]*string{"host": &b.Host, "dbname": &b.Database, "database": &b.Database, "user": &b.User, "secret": &b.Secret,
		"sslmode": &b.SSL, "sslrootcert": &b.RootCert}
	to := texts[name]
	switch {
	case name == "port":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("cannot bind a cluster to port %q", value)
		}
		b.Port = int(n)
		return nil
	case to == nil:
		return fmt.Errorf("cannot bind a cluster with %q: known are host, port, dbname, user, secret, sslmode, sslrootcert", name)
	case name == "sslmode" && value != VerifyFull && value != Require && value != Disable:
		return fmt.Errorf("cannot bind a cluster with sslmode %q: use %s, %s or %s", value, VerifyFull, Require, Disable)
	}
	*to = value
	return nil
}

// String is the text that Parse reads.
func (b Binding) String() string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+"="+value)
		}
	}
	add("host", b.Host)
	if b.Port != 0 {
		add("port", strconv.Itoa(b.Port))
	}
	add("dbname", b.Database)
	add("user", b.User)
	add("secret", b.Secret)
	add("sslmode", b.SSL)
	add("sslrootcert", b.RootCert)
	return strings.Join(words, " ")
}

// secret is what AWS documents as the JSON of a secret with credentials of a
// Redshift cluster ("Structure of Secrets Manager database secrets"). The port
// is a number or a text.
type secret struct {
	Host     string          `json:"host"`
	Port     json.RawMessage `json:"port"`
	Username string          `json:"username"`
	Password string          `json:"password"`
	Database string          `json:"dbname"`
	DBName   string          `json:"dbName"` // as ManageMasterPassword spells it
}

// Login is where and as whom a session is opened.
type Login struct {
	Host           string
	Port           int
	Database       string
	User, Password string
	As             string      // user to act as once logged in; "" is User
	TLS            *tls.Config // nil is none
}

// Login completes the binding from the text of its secret. Errors do not quote
// the secret.
func (b Binding) Login(secretText string) (Login, error) {
	var s secret
	if err := json.Unmarshal([]byte(secretText), &s); err != nil || s.Username == "" || s.Password == "" {
		return Login{}, fmt.Errorf("cannot use secret %s: it must be a JSON object with username and password", b.Secret)
	}
	if b.User != "" && b.User != s.Username {
		return Login{}, fmt.Errorf("cannot use secret %s: it is of user %s, and the cluster is bound as user %s", b.Secret, s.Username, b.User)
	}
	l := Login{Host: cmp.Or(b.Host, s.Host), Port: b.Port, User: s.Username, Password: s.Password,
		Database: cmp.Or(b.Database, s.Database, s.DBName, defaultDatabase)}
	if l.Host == "" {
		return Login{}, fmt.Errorf("cannot tell where the cluster is: neither its binding nor secret %s has a host", b.Secret)
	}
	if l.Port == 0 {
		l.Port = defaultPort
		if text := strings.Trim(string(s.Port), `"`); text != "" && text != "null" {
			if err := b.set("port", text); err != nil {
				return Login{}, fmt.Errorf("cannot use secret %s: %w", b.Secret, err)
			}
			l.Port = b.Port
		}
	}
	var err error
	l.TLS, err = b.tls(l.Host)
	return l, err
}

func (b Binding) tls(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	switch b.SSL {
	case Disable:
		return nil, nil
	case Require:
		c.InsecureSkipVerify = true
		return c, nil
	}
	if b.RootCert == "" {
		return c, nil
	}
	pem, err := os.ReadFile(b.RootCert)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificates to verify %s with: %w", host, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cannot use %s: it has no certificates", b.RootCert)
	}
	return c, nil
}

// Place is the server of a login, HOST:PORT.
func (l Login) Place() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }
