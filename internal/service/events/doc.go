// Package events is Amazon EventBridge: buses, rules with patterns and schedules,
// targets, archives and replays, connections and API destinations, after the
// EventBridge API reference and user guide.
//
// An accepted PutEvents is durable: every target of a rule that matches gets a
// task of kind "events.delivery" before the answer, delivered at least once, also
// after the server died. Failed deliveries are repeated for a day with growing
// pauses, or as the target's retry policy says; then they go to its dead-letter
// queue, as do at once those that the target refuses. Schedules are tasks, too;
// times that came while no server ran are made up for once.
//
// The credentials of a connection are one secret, events!connection/NAME/ID, as
// on AWS; this package keeps only what may be shown. A connection for OAuth is
// taken as authorized; Step Functions asks for its token when it is used.
//
// Events that services of this server emit reach rules at best once: one that a
// kill catches between the change and its event is lost, as AWS allows.
//
// Refused by name: targets of other services, API destinations with OAuth, partner
// event sources, global endpoints, pipes, schemas. Access policies of buses are kept
// and shown, not enforced.
//
// Only the composition root imports this package; others reach it over the bus.
package events
