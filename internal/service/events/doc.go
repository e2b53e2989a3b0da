// Package events is Amazon EventBridge: buses, rules with patterns and schedules,
// targets, archives and replays, connections and API destinations, after the
// EventBridge API reference and user guide.
//
// An accepted PutEvents is durable: every target of a rule that matches gets a
// task of kind "events.delivery" before the answer, delivered at least once, also
// after the server died; several events of a request for one standard queue go there
// together ("events.batch"). Events for a bus that does not exist are accepted and
// dropped, as on AWS. Failed deliveries are repeated for a day with growing
// pauses, or as the target's retry policy says; then they go to its dead-letter
// queue, as do at once those that the target refuses. Schedules are tasks, too;
// times that came while no server ran are made up for once.
//
// Services of this server put their events with EmitIn, in the transaction of the
// change that they tell of, with EmitNow, or with Emit, which a kill can lose.
//
// The credentials of a connection are one secret, events!connection/NAME/ID, as
// on AWS; this package keeps only what may be shown. A connection for OAuth is
// taken as authorized; its token is asked for when it is first used, and again when an
// API refuses it.
//
// Refused by name: targets of other services (Glue workflows among them), partner
// event sources, global endpoints, pipes, schemas. Access policies of buses are kept
// and shown, not enforced.
//
// Only the composition root imports this package; others reach it over the bus.
package events
