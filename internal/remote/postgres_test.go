package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// server is a PostgreSQL server of a test's own, with user etl.
type server struct {
	port int
	cert string // file of the certificate it shows
}

// program finds a program of PostgreSQL: on the path, or where Debian puts them.
func program(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Skipf("PostgreSQL is not installed: there is no %s", name)
	}
	return found[len(found)-1]
}

func startPostgres(t *testing.T) server {
	t.Helper()
	initdb, postgres := program(t, "initdb"), program(t, "postgres")
	dir, err := os.MkdirTemp("", "stepwell-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as, own := account(t)
	s := server{port: freePort(t), cert: filepath.Join(dir, "server.crt")}
	files := map[string][]byte{"password": []byte("s3cret"), "server.key": nil, "server.crt": nil}
	files["server.crt"], files["server.key"] = certificate(t)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		own(filepath.Join(dir, name))
	}
	own(dir)
	run := exec.Command(initdb, "-D", filepath.Join(dir, "data"), "-U", "etl", "-A", "scram-sha-256", "--pwfile", filepath.Join(dir, "password"), "-E", "UTF8", "--locale=C", "--no-sync")
	run.SysProcAttr, run.Dir = as, dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("cannot make a database: %v\n%s", err, out)
	}
	cmd := exec.Command(postgres, "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "ssl=on",
		"-c", "ssl_cert_file="+s.cert, "-c", "ssl_key_file="+filepath.Join(dir, "server.key"))
	cmd.SysProcAttr, cmd.Dir = as, dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGQUIT); cmd.Wait() })
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		session, err := Connect(t.Context(), s.login(t), nil)
		if err == nil {
			session.Close()
			return s
		}
	}
	t.Fatal("PostgreSQL does not answer")
	return s
}

// account is whom PostgreSQL runs as, as it refuses root, and what gives a file
// to that user.
func account(t *testing.T) (*syscall.SysProcAttr, func(path string)) {
	if os.Getuid() != 0 {
		return nil, func(string) {}
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("PostgreSQL does not run as root, and there is no user postgres")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, func(path string) {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// certificate is one for localhost that signs itself.
func certificate(t *testing.T) (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

const secretJSON = `{"engine":"redshift","host":"127.0.0.1","username":"etl","password":"s3cret","dbname":"postgres","port":"%d"}`

// login is a login without TLS.
func (s server) login(t *testing.T) Login {
	t.Helper()
	l, err := Binding{Secret: "etl", SSL: Disable}.Login(fmt.Sprintf(secretJSON, s.port))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s server) connect(t *testing.T) *Session {
	t.Helper()
	session, err := Connect(t.Context(), s.login(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}
