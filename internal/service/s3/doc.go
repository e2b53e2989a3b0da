// Package s3 is Amazon S3.
//
// Objects of a bucket are plain files under the data folder, served by an
// embedded versitygw (package embedgw, posix backend) that listens on a socket
// only this process knows. Three doors lead to it: HTTP requests of clients
// pass through Service.ServeHTTP, which replaces the client's signature by one
// of its account and streams bodies in both directions; bus operations are
// encoded as such requests; and the warehouse reads and publishes the files
// themselves (List, Path, TempDir, Publish, Delete).
//
// Each 12-digit account owns its buckets; access by others goes by bucket
// policy and ACL. The region of a bucket is kept in the store, because the
// embedded server knows a single one. Owner ids are account ids.
//
// Notifications tell queues, topics, functions and EventBridge of objects that are
// created, removed, tagged and untagged, also by the warehouse. They are durable (tasks
// of kind "s3.notification") before the request is answered that they tell of, and
// tried for a day. Permissions of destinations are not checked.
//
// Lifecycle rules, default encryption, public access blocks and logging are
// kept and not acted on. Not implemented, and refused by name: replication,
// inventory, analytics, metrics, intelligent tiering, uploads from HTML forms,
// directory buckets. Keys are limited as file names are: at most 255 bytes between
// slashes, and an object cannot have another object's key as its folder.
//
// Keys below .sgwtmp, where unfinished uploads lie, are refused like the next.
// Keys with an empty, "." or ".." segment (a//b, /a, a/./b, a/../b) would be
// other objects' files. Writing one, and a DeleteObjects that names one, is
// refused with NotImplemented through every door; reading one finds nothing
// (NoSuchKey), and DeleteObject of one succeeds without effect. A key that ends
// in one slash is a folder marker, which has no content: content for it is
// refused with NotImplemented too, and so is the document of a DeleteObjects in
// the aws-chunked encoding.
//
// The server imports it; nothing else does.
package s3
