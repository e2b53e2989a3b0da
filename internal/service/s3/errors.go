package s3

import (
	"net/http"

	"stepwell/internal/awserr"
)

// The texts are those of "Error responses" in the Amazon S3 API reference.

func errMalformedXML() *awserr.Error {
	return awserr.New(http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema")
}

func errInvalidLocation() *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
}

func errIllegalLocation(constraint string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
}

func errNoSuchBucket(bucket string) *awserr.Error {
	return awserr.New(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist").With("BucketName", bucket)
}

func errNoSuchKey(key string) *awserr.Error {
	return awserr.New(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.").With("Key", key)
}
