// Package sqs is Amazon SQS: standard and FIFO queues, after the SQS API
// reference and developer guide, over the JSON and the query protocol.
//
// Messages, receives and deletions are durable before they are answered. They
// also stand in memory: the store is read when the server starts, and written
// from then on. A message moves to its dead-letter queue when a receive finds
// that it was received maxReceiveCount times, as on AWS, in one transaction.
//
// Limits are those of the service quotas: 1 MiB for a message and for a batch,
// 120,000 messages in flight. A FIFO queue deduplicates for five minutes and
// keeps the order within a message group: a group with a message in flight gives
// no other.
//
// Access policies, encryption and throughput attributes are kept and shown, not
// acted on. A deleted queue's name is free after 60 seconds, as on AWS.
//
// Refused: messages of the request's attempt id are not given again
// (ReceiveRequestAttemptId).
//
// Only the composition root imports this package; others reach it over the bus.
package sqs
