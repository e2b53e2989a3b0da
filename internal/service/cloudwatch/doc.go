// Package cloudwatch is Amazon CloudWatch: metrics that programs put, metric
// alarms that are evaluated on the clock and act, and dashboards, after the
// CloudWatch API reference and user guide.
//
// Data points are kept by the minute, high-resolution ones by the second, for 15
// days from their time; percentiles are the nearest rank of the values put. An
// alarm is evaluated once a minute while there is data in its range; its actions
// are messages to SNS topics and invocations of Lambda functions, and every
// change of state is an EventBridge event.
//
// Metric math, metrics insights, composite alarms, anomaly detection, metric
// streams and actions on EC2, Auto Scaling and Systems Manager are refused by
// name. Logs are package logs.
//
// Only the composition root imports this package; others reach it over the bus.
package cloudwatch
