// Package events is Amazon EventBridge, as far as Step Functions needs it:
// connections with their credentials in Secrets Manager, API destinations, and
// events put on the default bus, after the EventBridge API reference.
//
// The credentials of a connection are one secret, events!connection/NAME/ID, as
// on AWS; this package keeps only what may be shown. Whoever calls an API for a
// connection reads the secret. A connection for OAuth is taken as authorized;
// its token is asked for when it is used.
//
// Events are checked and given their ids. There are no rules yet, so that no
// target gets them: on AWS, too, an event that no rule matches goes nowhere.
//
// Refused by name: all else, buses other than the default one among it.
//
// Only the composition root imports this package; others reach it over the bus.
package events
