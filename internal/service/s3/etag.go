package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// partSize is the part size that an ETag of a large published file is made for.
const partSize = 16 << 20

// fileETag is the entity tag, quoted, that S3 gives an object of the file's
// content: the MD5 digest of a small one; of one over partSize that of an
// upload in parts of partSize ("digest of the parts' digests"-count), whose
// parts are digested in parallel.
func fileETag(ctx context.Context, f *os.File) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	parts := max(1, int((info.Size()+partSize-1)/partSize))
	sums := make([][md5.Size]byte, parts)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range parts {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			h := md5.New()
			if _, err := io.Copy(h, io.NewSectionReader(f, int64(i)*partSize, partSize)); err != nil {
				return err
			}
			h.Sum(sums[i][:0])
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if parts == 1 {
		return `"` + hex.EncodeToString(sums[0][:]) + `"`, nil
	}
	h := md5.New()
	for _, s := range sums {
		h.Write(s[:])
	}
	return fmt.Sprintf(`"%x-%d"`, h.Sum(nil), parts), nil
}
