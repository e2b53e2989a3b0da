package states

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf8"

	"stepwell/internal/awsapi/s3"
)

// What the AWS SDK for Java, through which aws-sdk tasks call S3 on AWS, adds to
// requests, and how S3's answers look to it: with metadata even where there are
// none.

// asSDKSends completes a request.
func asSDKSends(in any) error {
	put, ok := in.(*s3.PutObjectInput)
	if !ok || put.ChecksumCRC32 != nil || put.ChecksumCRC32C != nil || put.ChecksumSHA1 != nil || put.ChecksumSHA256 != nil || put.ChecksumAlgorithm != nil {
		return nil
	}
	var body []byte
	if put.Body != nil {
		var err error
		if body, err = io.ReadAll(put.Body); err != nil {
			return fmt.Errorf("cannot read the object's body: %w", err)
		}
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	put.Body, put.ContentLength = io.NopCloser(bytes.NewReader(body)), new(int64(len(body)))
	if put.ContentType == nil && utf8.Valid(body) {
		put.ContentType = new("text/plain; charset=UTF-8")
	}
	put.ChecksumCRC32 = new(base64.StdEncoding.EncodeToString(sum))
	return nil
}

// asSDKReads changes an answer.
func asSDKReads(out any) {
	switch o := out.(type) {
	case *s3.GetObjectOutput:
		if o.Metadata == nil {
			o.Metadata = map[string]string{}
		}
	case *s3.HeadObjectOutput:
		if o.Metadata == nil {
			o.Metadata = map[string]string{}
		}
	case *s3.PutObjectOutput:
		o.Size = nil
	}
}
