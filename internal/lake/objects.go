package lake

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Object is one object of a bucket.
type Object struct {
	Key  string
	Size int64
}

// Objects is the object store as the engines use it: objects are local files
// that are read where they are and published whole. A bucket or object that
// does not exist gives an error that wraps fs.ErrNotExist.
type Objects interface {
	// List returns the objects whose key starts with prefix, in key order.
	List(ctx context.Context, bucket, prefix string) ([]Object, error)
	// Path is the local file of an object, for reading only.
	Path(ctx context.Context, bucket, key string) (string, error)
	// TempDir is a directory on the bucket's file system for files to publish.
	TempDir(ctx context.Context, bucket string) (string, error)
	// Publish makes the finished file the object bucket/key, atomically: a
	// reader sees the old object or the new one. The file is moved away.
	Publish(ctx context.Context, bucket, key, file string) error
	// Delete removes an object; one that does not exist is no error.
	Delete(ctx context.Context, bucket, key string) error
}

// SplitURI cuts s3://bucket/key into its parts.
func SplitURI(uri string) (bucket, key string, err error) {
	for _, scheme := range []string{"s3://", "s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(uri, scheme); ok {
			bucket, key, _ = strings.Cut(rest, "/")
			if bucket == "" {
				break
			}
			return bucket, key, nil
		}
	}
	return "", "", fmt.Errorf("cannot read %q as an S3 location", uri)
}

// DirObjects is an Objects over a folder: each bucket a folder in Root, each
// object a file at its key. For tests and tools.
type DirObjects struct{ Root string }

// List implements Objects.
func (d DirObjects) List(_ context.Context, bucket, prefix string) ([]Object, error) {
	root := filepath.Join(d.Root, bucket)
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	var list []Object
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		info, err := e.Info()
		if err == nil && strings.HasPrefix(key, prefix) {
			list = append(list, Object{key, info.Size()})
		}
		return err
	})
	sort.Slice(list, func(i, j int) bool { return list[i].Key < list[j].Key })
	return list, err
}

// Path implements Objects.
func (d DirObjects) Path(_ context.Context, bucket, key string) (string, error) {
	path := filepath.Join(d.Root, bucket, filepath.FromSlash(key))
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return path, nil
}

// TempDir implements Objects.
func (d DirObjects) TempDir(_ context.Context, bucket string) (string, error) {
	if _, err := os.Stat(filepath.Join(d.Root, bucket)); err != nil {
		return "", err
	}
	dir := filepath.Join(d.Root, ".tmp")
	return dir, os.MkdirAll(dir, 0o755)
}

// Publish implements Objects.
func (d DirObjects) Publish(_ context.Context, bucket, key, file string) error {
	path := filepath.Join(d.Root, bucket, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.Rename(file, path)
}

// Delete implements Objects.
func (d DirObjects) Delete(_ context.Context, bucket, key string) error {
	err := os.Remove(filepath.Join(d.Root, bucket, filepath.FromSlash(key)))
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
