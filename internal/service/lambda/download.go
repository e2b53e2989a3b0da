package lambda

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// download lets clients fetch archives, as the presigned URLs of AWS do, from a
// loopback port that is opened when somebody first asks. Names of archives are
// no secret, so that a URL carries one.
type download struct {
	mu      sync.Mutex
	server  *http.Server
	address string
	secret  string
	dir     string
}

// url is where the archive at path can be fetched.
func (d *download) url(path string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("cannot offer code: %w", err)
		}
		d.address, d.secret, d.dir = listener.Addr().String(), rand.Text(), filepath.Dir(path)
		d.server = &http.Server{Handler: http.HandlerFunc(d.serve)}
		go d.server.Serve(listener)
	}
	return "http://" + d.address + "/" + d.secret + "/" + filepath.Base(path), nil
}

func (d *download) serve(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/"+d.secret+"/")
	root, err := os.OpenRoot(d.dir)
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	http.ServeContent(w, r, name, info.ModTime(), f)
}

func (d *download) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return nil
	}
	return errors.Join(d.server.Close())
}
