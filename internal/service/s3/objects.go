package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/lake"
)

var _ lake.Objects = (*Service)(nil)

// The attributes that the posix backend keeps with objects and buckets.
const (
	attrACL          = "acl"
	attrETag         = "etag"
	attrContentType  = "content-type"
	attrDeleteMarker = "delete-marker"
	attrVersioning   = "versioning"
	attrObjectLock   = "bucket-lock"
)

// notFound is S3's fault for a missing bucket or object, and fs.ErrNotExist.
type notFound struct{ fault *awserr.Error }

func (e notFound) Error() string   { return e.fault.Error() }
func (e notFound) Unwrap() []error { return []error{e.fault, fs.ErrNotExist} }

// folder is the folder of an existing bucket.
func (s *Service) folder(bucket string) (string, error) {
	if s.embedded == nil {
		return "", errors.New("cannot read S3: it is not started")
	}
	dir := filepath.Join(s.embedded.root, bucket)
	if bucket == "" || strings.ContainsAny(bucket, `/\`) || strings.HasPrefix(bucket, ".") {
		return "", notFound{errNoSuchBucket(bucket)}
	}
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", notFound{errNoSuchBucket(bucket)}
	}
	return dir, err
}

// List returns the objects whose key starts with prefix, in key order.
// Access is not checked, here and in the methods below: they are the server's
// own. Folder markers (keys that end in a slash) are not objects here.
func (s *Service) List(_ context.Context, bucket, prefix string) ([]lake.Object, error) {
	root, err := s.folder(bucket)
	if err != nil {
		return nil, err
	}
	start, _ := filepath.Split(filepath.FromSlash(prefix))
	if start != "" && !filepath.IsLocal(start) {
		return nil, nil
	}
	var list []lake.Object
	err = filepath.WalkDir(filepath.Join(root, start), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil // gone since, or no such prefix
		}
		if err != nil {
			return err
		}
		key := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator)))
		if e.IsDir() {
			if key == posix.MetaTmpDir || !strings.HasPrefix(prefix, key+"/") && !strings.HasPrefix(key+"/", prefix) && key != "" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasPrefix(key, prefix) || s.deleted(bucket, key) {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			list = append(list, lake.Object{Key: key, Size: info.Size()})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list s3://%s/%s: %w", bucket, prefix, err)
	}
	slices.SortFunc(list, func(a, b lake.Object) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// deleted tells whether the newest version of an object is a delete marker,
// which the backend keeps as a file.
func (s *Service) deleted(bucket, key string) bool {
	_, err := s.embedded.attributes.RetrieveAttribute(nil, bucket, key, attrDeleteMarker)
	return err == nil
}

// Path is the local file of an object, for reading only.
func (s *Service) Path(_ context.Context, bucket, key string) (string, error) {
	root, err := s.folder(bucket)
	if err != nil {
		return "", err
	}
	local := filepath.FromSlash(key)
	if !plainKey(key) || !filepath.IsLocal(local) || local == posix.MetaTmpDir || strings.HasPrefix(key, posix.MetaTmpDir+"/") {
		return "", notFound{errNoSuchKey(key)}
	}
	path := filepath.Join(root, local)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), err == nil && !info.Mode().IsRegular():
		return "", notFound{errNoSuchKey(key)}
	case err != nil:
		return "", fmt.Errorf("cannot read s3://%s/%s: %w", bucket, key, err)
	case s.deleted(bucket, key):
		return "", notFound{errNoSuchKey(key)}
	}
	return path, nil
}

// TempDir is a folder on the buckets' file system for files to publish. What a
// killed server left in it stays until Sweep.
func (s *Service) TempDir(_ context.Context, bucket string) (string, error) {
	if _, err := s.folder(bucket); err != nil {
		return "", err
	}
	return s.embedded.temporary, nil
}

// Sweep empties the folders that TempDir gave. It is for the start of a server,
// when those who had files to publish have published them (warehouse.Recover).
func (s *Service) Sweep() error {
	if err := os.RemoveAll(s.embedded.temporary); err != nil {
		return fmt.Errorf("cannot empty the S3 folder for temporary files: %w", err)
	}
	return os.MkdirAll(s.embedded.temporary, 0o755)
}

// Publish makes the finished file the object bucket/key, atomically. The file
// is moved away. No data are copied unless the bucket keeps versions or the
// file system keeps no attributes.
func (s *Service) Publish(ctx context.Context, bucket, key, file string) error {
	root, err := s.folder(bucket)
	if err != nil {
		return err
	}
	switch {
	case key != "" && !plainKey(key):
		return awserr.NotImplemented(oddKeys)
	case strings.HasSuffix(key, "/"):
		return awserr.NotImplemented(fullFolders)
	}
	if !filepath.IsLocal(filepath.FromSlash(key)) || strings.HasPrefix(key, posix.MetaTmpDir) {
		return awserr.New(400, "InvalidArgument", "cannot make a file the object %q", key)
	}
	if s.movable(bucket) {
		if err = s.move(ctx, root, key, file); err == nil {
			err = s.published(ctx, bucket, key)
		}
	} else {
		err = s.upload(ctx, bucket, key, file)
	}
	if err != nil {
		return fmt.Errorf("cannot publish s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// published tells of an object that was moved into its place.
func (s *Service) published(ctx context.Context, bucket, key string) error {
	c, err := s.notificationsOf(ctx, bucket)
	if err != nil || c == nil {
		return err
	}
	t := &target{Bucket: bucket, Key: key}
	return s.tell(ctx, c, t, s.created(t, "ObjectCreated:Put", "PutObject", ""))
}

// movable tells whether an object of the bucket is one file and nothing else.
func (s *Service) movable(bucket string) bool {
	if _, ok := s.embedded.attributes.(meta.XattrMeta); !ok {
		return false
	}
	for _, a := range []string{attrVersioning, attrObjectLock} {
		if _, err := s.embedded.attributes.RetrieveAttribute(nil, bucket, "", a); err == nil {
			return false
		}
	}
	return true
}

// upload publishes by way of PutObject.
func (s *Service) upload(ctx context.Context, bucket, key, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	if _, err := s.call(ctx, "PutObject", &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: f}); err != nil {
		return err
	}
	return os.Remove(file)
}

// move gives the file the attributes that PutObject would have, then its place.
func (s *Service) move(ctx context.Context, root, key, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	etag, err := fileETag(ctx, f)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{attrETag: etag, attrContentType: defaultContentType} {
		if err := s.embedded.attributes.StoreAttribute(f, "", "", name, []byte(value)); err != nil {
			return err
		}
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	path := filepath.Join(root, filepath.FromSlash(key))
	for range 100 {
		made := os.MkdirAll(filepath.Dir(path), 0o755)
		if err = made; made == nil {
			err = os.Rename(file, path)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(made, fs.ErrExist) {
			break
		}
		// A concurrent delete has removed the empty folder again, before the rename
		// or while MkdirAll looked at it.
	}
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EISDIR) {
		return awserr.New(409, "ExistingObjectIsDirectory", "the key, or a folder of it, is taken: %s", key)
	}
	return err
}

// Delete removes an object; one that does not exist is no error.
func (s *Service) Delete(ctx context.Context, bucket, key string) error {
	if _, err := s.folder(bucket); err != nil {
		return err
	}
	_, err := s.call(ctx, "DeleteObject", &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	if e := awserr.From(err); e != nil && e.Code == "NoSuchKey" {
		return nil
	}
	return err
}
