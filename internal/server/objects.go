package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/lake"
)

// farObjects are the objects of an S3 that is elsewhere, for the warehouse: what
// it reads is copied to this machine, once for each version of an object, and
// what it writes is uploaded. Copies stay until the next start.
type farObjects struct {
	bus    bus.Invoker
	copies string // folder of copies
	drafts string // folder of files to publish
}

func newFarObjects(b bus.Invoker, dir string) (*farObjects, error) {
	o := &farObjects{bus: b, copies: filepath.Join(dir, "copies"), drafts: filepath.Join(dir, "drafts")}
	if err := os.RemoveAll(o.copies); err != nil {
		return nil, fmt.Errorf("cannot empty the folder for copies of objects: %w", err)
	}
	return o, errors.Join(os.MkdirAll(o.copies, 0o700), os.MkdirAll(o.drafts, 0o700))
}

// Sweep removes drafts that nobody published, once what a killed server left
// has been recovered.
func (o *farObjects) Sweep() error {
	if err := os.RemoveAll(o.drafts); err != nil {
		return fmt.Errorf("cannot empty the folder for objects to upload: %w", err)
	}
	return os.MkdirAll(o.drafts, 0o700)
}

// absent is the error of a bucket or object that is not there.
type absent struct{ error }

func (absent) Is(target error) bool { return target == fs.ErrNotExist }
func (a absent) Unwrap() error      { return a.error }

func found(err error) error {
	if e := awserr.From(err); e != nil && (e.Status == 404 || e.Code == "NoSuchKey" || e.Code == "NoSuchBucket") {
		return absent{err}
	}
	return err
}

func (o *farObjects) List(ctx context.Context, bucket, prefix string) ([]lake.Object, error) {
	var list []lake.Object
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
	for {
		out, err := bus.Invoke[s3.ListObjectsV2Output](ctx, o.bus, "s3", "ListObjectsV2", in)
		if err != nil {
			return nil, found(err)
		}
		for _, x := range out.Contents {
			list = append(list, lake.Object{Key: *x.Key, Size: *x.Size})
		}
		if in.ContinuationToken = out.NextContinuationToken; in.ContinuationToken == nil {
			return list, nil
		}
	}
}

func (o *farObjects) Path(ctx context.Context, bucket, key string) (string, error) {
	head, err := bus.Invoke[s3.HeadObjectOutput](ctx, o.bus, "s3", "HeadObject", &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", found(err)
	}
	if head.ETag == nil {
		return "", fmt.Errorf("cannot copy s3://%s/%s: it has no ETag", bucket, key)
	}
	sum := sha256.Sum256([]byte(bucket + "/" + key + "\n" + *head.ETag))
	dir := filepath.Join(o.copies, hex.EncodeToString(sum[:16]))
	file := filepath.Join(dir, path.Base("/"+key))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	draft, err := os.CreateTemp(o.copies, "copy-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	out, err := bus.Invoke[s3.GetObjectOutput](ctx, o.bus, "s3", "GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: &key, IfMatch: head.ETag})
	if err != nil {
		return "", found(err)
	}
	defer out.Body.Close()
	n, err := io.Copy(draft, out.Body)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot copy s3://%s/%s: %w", bucket, key, err)
	case head.ContentLength != nil && n != *head.ContentLength:
		return "", fmt.Errorf("cannot copy s3://%s/%s: %d of its %d bytes came", bucket, key, n, *head.ContentLength)
	}
	if err := draft.Close(); err != nil {
		return "", err
	}
	return file, os.Rename(draft.Name(), file)
}

func (o *farObjects) TempDir(ctx context.Context, bucket string) (string, error) {
	_, err := o.bus.Invoke(ctx, "s3", "HeadBucket", &s3.HeadBucketInput{Bucket: &bucket})
	return o.drafts, found(err)
}

// uploads is how often an upload is tried.
const uploads = 3

func (o *farObjects) Publish(ctx context.Context, bucket, key, file string) error {
	for attempt := 1; ; attempt++ {
		err := o.upload(ctx, bucket, key, file)
		if err == nil {
			return os.Remove(file)
		}
		if e := awserr.From(err); e == nil || !e.Temporary() || attempt == uploads || ctx.Err() != nil {
			return fmt.Errorf("cannot publish s3://%s/%s: %w", bucket, key, found(err))
		}
	}
}

func (o *farObjects) upload(ctx context.Context, bucket, key, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = o.bus.Invoke(ctx, "s3", "PutObject", &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: f, ContentLength: new(info.Size())})
	return err
}

func (o *farObjects) Delete(ctx context.Context, bucket, key string) error {
	_, err := o.bus.Invoke(ctx, "s3", "DeleteObject", &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	if e := awserr.From(err); e != nil && e.Code == "NoSuchKey" {
		return nil
	}
	return found(err)
}
