package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	s3api "stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// maxUnzipped is what code and layers of a function may come to unpacked, in
// bytes (Lambda quotas).
const maxUnzipped = 262_144_000

// files keeps zip archives under the hash of their bytes, and unpacks them.
//
//	code/HASH.zip     as uploaded
//	tasks/HASH/       unpacked: LAMBDA_TASK_ROOT
//	layers/HASH/      several unpacked one over the other
type files struct {
	dir string

	mu    sync.Mutex   // one unpacks at a time
	named sync.RWMutex // read-locked from keeping an archive until a record names it
}

func (f *files) zip(hash string) string { return filepath.Join(f.dir, "code", hash+".zip") }

// keep checks an archive and writes it; it returns its name.
func (f *files) keep(data []byte) (hash string, err error) {
	if err := checkZip(data); err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	hash = hex.EncodeToString(sum[:])
	path := f.zip(hash)
	if _, err := os.Stat(path); err == nil {
		return hash, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("cannot keep code: %w", err)
	}
	if err := writeDurably(path, data); err != nil {
		return "", fmt.Errorf("cannot keep code: %w", err)
	}
	return hash, nil
}

func writeDurably(path string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(temporary.Name()))
	}
	return err
}

// checkZip refuses what cannot be unpacked, in AWS's words.
func checkZip(data []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return badZip()
	}
	size := uint64(0)
	for _, e := range archive.File {
		if !filepath.IsLocal(strings.TrimSuffix(e.Name, "/")) {
			return badZip()
		}
		if size += e.UncompressedSize64; size > maxUnzipped {
			return invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
	}
	return nil
}

// task is the folder with an archive unpacked.
func (f *files) task(hash string) (string, error) { return f.unpacked("tasks", hash, []string{hash}) }

// layers is the folder with archives unpacked one over the other; "" for none.
func (f *files) layers(hashes []string) (string, error) {
	if len(hashes) == 0 {
		return "", nil
	}
	sum := sha256.Sum256([]byte(strings.Join(hashes, "\n")))
	return f.unpacked("layers", hex.EncodeToString(sum[:]), hashes)
}

func (f *files) unpacked(kind, name string, hashes []string) (string, error) {
	dir := filepath.Join(f.dir, kind, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", fmt.Errorf("cannot unpack code: %w", err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), "new-*")
	if err != nil {
		return "", fmt.Errorf("cannot unpack code: %w", err)
	}
	for _, hash := range hashes {
		if err = unzip(f.zip(hash), temporary); err != nil {
			break
		}
	}
	if err == nil {
		err = os.Chmod(temporary, 0o755)
	}
	if err == nil {
		err = os.Rename(temporary, dir)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("cannot unpack code: %w", err), os.RemoveAll(temporary))
	}
	return dir, nil
}

// unzip unpacks an archive over what is in dir. What it says about who may read
// and run a file stays; a file of an archive made without permissions can be read.
func unzip(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, e := range z.File {
		if err := unzipEntry(root, e); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

func unzipEntry(root *os.Root, e *zip.File) error {
	name := filepath.Clean(e.Name)
	if e.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in, err := e.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if e.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(in, 4096))
		if err != nil {
			return err
		}
		return root.Symlink(string(target), name)
	}
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, e.Mode().Perm()|0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxUnzipped))
	return errors.Join(err, out.Close(), root.Chtimes(name, time.Now(), e.Modified))
}

// remove deletes what belongs to archives that nothing names any more.
func (f *files) remove(hash string) error {
	return errors.Join(os.RemoveAll(f.zip(hash)), os.RemoveAll(filepath.Join(f.dir, "tasks", hash)))
}

// source is where code comes from: the members that functions and layers share.
type source struct {
	zip                  []byte
	bucket, key, version *string
}

// fetch reads the archive.
func (s *Service) fetch(ctx context.Context, from source) ([]byte, error) {
	switch {
	case from.zip != nil:
		return from.zip, nil
	case from.bucket == nil || from.key == nil:
		return nil, invalid("Please provide a source for function code.")
	}
	out, err := bus.Invoke[s3api.GetObjectOutput](ctx, s.Bus, "s3", "GetObject",
		&s3api.GetObjectInput{Bucket: from.bucket, Key: from.key, VersionId: from.version})
	if e := awserr.From(err); e != nil {
		return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	}
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxUnzipped+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read code from S3: %w", err)
	}
	return data, nil
}

// hold keeps archives from being removed until a record names them.
func (f *files) hold() (release func()) {
	f.named.RLock()
	return f.named.RUnlock
}

// names are the archives that are there.
func (f *files) names() []string {
	found, err := filepath.Glob(filepath.Join(f.dir, "code", "*.zip"))
	if err != nil {
		return nil
	}
	for i := range found {
		found[i] = strings.TrimSuffix(filepath.Base(found[i]), ".zip")
	}
	return found
}
