// Package sns is Amazon SNS: topics, subscriptions, filter policies and
// delivery, after the SNS API reference and developer guide.
//
// An accepted Publish is durable: every matching subscription gets a task of
// kind "sns.delivery" in the same transaction, delivered at least once, also
// after the server died. Failed deliveries are repeated by the topic's or
// subscription's DeliveryPolicy, else by SNS's defaults: three times after 20 s
// over HTTP; to mail servers twice after 10 s, ten times backing off from 10 s
// to 10 min, 38 times after 10 min.
//
// Protocols: http and https (signed envelopes, raw delivery, confirmation by
// token); email and email-json through a [Mailer]: a mail server, or an outbox
// folder of .eml files. Where Deps.AutoConfirmEmail is set, as it is with the
// outbox, a mail subscription counts as confirmed at once and no confirmation
// mail is sent; otherwise the mail's link confirms it. sqs and lambda work where
// the composition root gives a [Target] for them and are refused by name where
// it gives none.
//
// FIFO topics keep order numbers, deduplicate for five minutes and deliver each
// message group in order, one at a time (tasks of kind "sns.ordered"); only targets
// that keep order can subscribe to them. Access policies and data protection
// policies are kept and shown, not enforced.
//
// Refused by name: SMS, mobile push, Firehose, dead-letter queues without an sqs
// target, message archiving and replay. No UnsubscribeConfirmation is sent.
//
// The gateway must let unsigned GET requests with Action=ConfirmSubscription and
// Action=Unsubscribe through to this service and route [Service.ServeHTTP] for
// paths that begin with CertificatePath. Both operations take account and
// region from their ARNs.
//
// Only the composition root imports this package; others reach it over the bus.
package sns
