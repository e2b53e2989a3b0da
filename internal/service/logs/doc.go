// Package logs is Amazon CloudWatch Logs: groups, streams, and their events.
//
// Events live in journals of the store, many to an entry, in the order of
// arrival. As long as that is the order of their timestamps too, pages are
// found by binary search; a stream that has received events out of order is
// sorted when it is read. Filter patterns of terms, phrases, regular
// expressions and JSON selectors are understood, those of space-delimited
// fields are refused by name. Metric filters give CloudWatch their metrics, and
// subscription filters Lambda functions their events, after the events are
// kept. Insights queries and deliveries are not implemented. Events older than a group's retention are not shown.
//
// The server imports it; nothing else does.
package logs
