package sqs

import (
	"fmt"
	"time"

	"stepwell/internal/store"
)

var (
	queues     = store.NewTable[record]("sqs_queues")        // account, region, name
	deleted    = store.NewTable[tombstone]("sqs_deleted")    // account, region, name
	messages   = store.NewTable[message]("sqs_messages")     // queue id, sequence number
	receipts   = store.NewTable[receipt]("sqs_receipts")     // queue id, sequence number
	duplicates = store.NewTable[duplicate]("sqs_duplicates") // queue id, group (where that is the scope), deduplication id
	moves      = store.NewTable[moveTask]("sqs_moves")       // account, region, queue, handle
)

// record is a queue without its messages.
type record struct {
	ID, ARN, Name, Account, Region string
	FIFO                           bool              `json:",omitempty"`
	Attributes                     map[string]string `json:",omitempty"` // as they were set
	Tags                           map[string]string `json:",omitempty"`
	Created, Modified              time.Time
	Purged                         time.Time `json:",omitzero"`
}

func (r *record) put(tx *store.Tx) error { return queues.Put(tx, *r, r.Account, r.Region, r.Name) }

// tombstone keeps the name of a deleted queue from being taken at once.
type tombstone struct{ At time.Time }

// message is a message as it was sent.
type message struct {
	Seq           int64
	ID, Body, MD5 string
	Attributes    map[string]attribute `json:",omitempty"`
	AttributesMD5 string               `json:",omitempty"`
	Trace         string               `json:",omitempty"` // AWSTraceHeader
	TraceMD5      string               `json:",omitempty"`
	Sender        string
	Sent          time.Time
	Visible       time.Time `json:",omitzero"` // of a delayed message
	Group         string    `json:",omitempty"`
	Dedup         string    `json:",omitempty"`
	Source        string    `json:",omitempty"` // the queue that it is a dead letter of
}

// attribute is a message attribute.
type attribute struct {
	Type   string
	Text   string `json:",omitempty"`
	Binary []byte `json:",omitempty"`
}

// receipt is what receives have made of a message.
type receipt struct {
	Seq     int64
	Count   int
	First   time.Time
	Visible time.Time // again
	Nonce   string    // of the last receipt handle
}

// duplicate remembers a message of a FIFO queue for five minutes.
type duplicate struct {
	Scope, Dedup, ID string
	Seq              int64
	At               time.Time
}

const dedupWindow = 5 * time.Minute

// key is the sequence number as a part of keys.
func key(seq int64) string { return fmt.Sprintf("%019d", seq) }

// sequence is the sequence number as SQS shows it.
func sequence(seq int64) string { return fmt.Sprintf("1%019d", seq) }

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
